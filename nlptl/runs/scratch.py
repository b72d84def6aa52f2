"""`eval.baselines scratch`: the same architecture, fully trained from random weights on the same rows."""

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch

from nlptl.core.errors import InputError, TrainingError
from nlptl.core.records import Prediction
from nlptl.engine.interrupt import Interrupted
from nlptl.methods.full import Full
from nlptl.report import console
from nlptl.runs.answers import answered, decode, tune
from nlptl.runs.fitting import fit
from nlptl.runs.preparing import Prepared, adapted

NAME = "from_scratch"
FOLDER = "scratch"


def predictions(prepared: Prepared, splits: Sequence[str], checkpoints: Path) -> dict[str, list[Prediction]]:
    """Returns the baseline's predictions by split; none if they are not wanted, or the training failed.

    Args:
        prepared: of the run, which decides rows, seed, length and number of updates.
        splits: to predict.
        checkpoints: folder of the run's; those of this training lie in it, and are removed.
    """
    if prepared.recipe.eval.baselines != "scratch":
        return {}
    if prepared.compute.is_main:
        console.say("baseline", "trains the same architecture from random weights, as eval.baselines scratch asks")
    try:
        return _predictions(_forgotten(prepared), splits, checkpoints / FOLDER)
    except (InputError, TrainingError) as error:  # the run's own model is trained, and stays
        console.warn(f"there is no baseline {NAME}: {error}")
        return {}


def _forgotten(prepared: Prepared) -> Prepared:
    """Returns the run's architecture with all weights random and trained."""
    recipe = prepared.recipe
    train = dataclasses.replace(recipe.train, lr=None, seeds=1, layer_decay=1.0)
    recipe = dataclasses.replace(recipe, method=Full(), train=train)
    own = adapted(recipe, prepared.corpus, prepared.labels, prepared.compute)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.train.seed)
        own.pretrained.module.draw_all_anew()
    return own


def _predictions(own: Prepared, splits: Sequence[str], checkpoints: Path) -> dict[str, list[Prediction]]:
    compute = own.compute
    compute.from_main(lambda: shutil.rmtree(checkpoints, ignore_errors=True))  # of a run that was stopped
    trained = fit(own, checkpoints)
    if trained.interrupted:
        raise Interrupted.named(str(trained.stopped_by))
    answers = {split: answered(own, split, compute) for split in splits}
    if "validation" in answers:
        tune(own, answers["validation"])
    compute.from_main(lambda: shutil.rmtree(checkpoints, ignore_errors=True))
    return {split: decode(own, split, found) for split, found in answers.items()}
