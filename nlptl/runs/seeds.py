"""`train.seeds`: trains with several seeds, one after the other, and keeps the model that is best on validation.

Seeds differ in the head's first weights, the order and the dropout, and on few rows that decides much (Dodge et al.
2020). All have the same rows. A finished seed leaves its trained weights in checkpoints/seed-K/chosen, so that a run
that was stopped goes on with the seed that was training.
"""

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch

from nlptl import evaluation
from nlptl.core.callbacks import Callback
from nlptl.core.errors import TrainingError
from nlptl.core.result import SeedDone
from nlptl.engine import checkpoint
from nlptl.engine.checkpoint import Progress, State
from nlptl.engine.job import Among
from nlptl.report import console
from nlptl.runs import settings
from nlptl.runs.fitting import Trained, fit, validate
from nlptl.runs.folder import Folder
from nlptl.runs.preparing import Prepared, adapted

CHOSEN = "chosen"


def fit_all(prepared: Prepared, folder: Folder, callbacks: Sequence[Callback]) -> tuple[Prepared, Trained]:
    """Trains with the seeds that are missing; returns the best model and its training, or what was interrupted.

    Args:
        prepared: for the first seed.
        folder: of the run; its checkpoints and log are continued if there are any.
        callbacks: are told of all updates as of one training.

    Raises:
        TrainingError: training had to stop.
    """
    first, n = prepared.recipe.train.seed, prepared.recipe.train.seeds
    metric, found = str(prepared.recipe.eval.metric), list[Progress]()
    for index in range(n):
        place = folder.checkpoints / f"seed-{first + index}"
        own = prepared if index == 0 else _with_seed(prepared, first + index)
        progress = _finished(place, prepared)
        if progress is None:
            trained = _fit(own, folder, place, index, callbacks)
            if not trained.finished or trained.interrupted:
                return own, trained
            progress = _keep(own, trained, place)
        found.append(progress)
        if prepared.compute.is_main:
            console.seed(index + 1, n, metric, progress.validation[metric])
    sign = 1 if evaluation.greater_is_better(metric) else -1
    best = max(range(n), key=lambda index: sign * found[index].validation[metric])
    done = tuple(SeedDone(first + i, p.validation[metric], p.update, i == best) for i, p in enumerate(found))
    return _best(prepared, folder.checkpoints / f"seed-{first + best}", first + best), _summary(found, best, done)


def clear(checkpoints: Path) -> None:
    """Removes what the seeds left below a folder."""
    for place in checkpoints.glob("seed-*"):
        shutil.rmtree(place, ignore_errors=True)


def _with_seed(prepared: Prepared, seed: int) -> Prepared:
    """Returns the model, adapted anew with another seed, for the same rows."""
    recipe = dataclasses.replace(prepared.recipe, train=dataclasses.replace(prepared.recipe.train, seed=seed))
    return adapted(recipe, prepared.corpus, prepared.labels, prepared.compute, prepared.features)


def _finished(place: Path, prepared: Prepared) -> Progress | None:
    """Returns the end of a seed's training; None if it has not been reached, or its weights are damaged."""
    compute = prepared.compute
    if not compute.from_main(lambda: "yes" if checkpoint.damage(place / CHOSEN) is None else ""):
        return None
    return checkpoint.from_main(place / CHOSEN, compute)[1]


def _fit(own: Prepared, folder: Folder, place: Path, index: int, callbacks: Sequence[Callback]) -> Trained:
    """Trains with one seed, from its newest checkpoint if there is one."""
    train = own.recipe.train
    n_updates = settings.n_updates(train, len(own.corpus.splits["train"]))
    among = Among(index * n_updates, (train.seeds - 1 - index) * n_updates)

    def newest() -> str:
        at = checkpoint.latest(place, console.warn)
        folder.cut_log(among.before + (checkpoint.update_of(at) if at else 0))
        if at is None:
            folder.log({"update": among.before + 1, "seed": train.seed})
        return str(at or "")

    at = own.compute.from_main(newest)
    return fit(own, place, folder.log, Path(at) if at else None, callbacks, among=among)


def _keep(own: Prepared, trained: Trained, place: Path) -> Progress:
    """Writes a seed's trained weights and their metrics on validation; its checkpoints are no longer needed."""
    values = {f.name: getattr(trained, f.name) for f in dataclasses.fields(Progress) if hasattr(trained, f.name)}
    progress = Progress(**values | {"phases": list(trained.phases), "validation": validate(own)})
    if not progress.validation:
        raise TrainingError(f"seed {own.recipe.train.seed}: the trained model's answers are not finite")
    weights = {name: p.detach() for name, p in own.pretrained.module.named_parameters() if p.requires_grad}
    checkpoint.save(place / CHOSEN, State(weights, {}), progress, is_main=own.compute.is_main)
    if own.compute.is_main:
        checkpoint.clear(place)
    own.compute.wait()
    return progress


def _best(prepared: Prepared, place: Path, seed: int) -> Prepared:
    """Returns the model with a seed's trained weights, and the run's own recipe."""
    best = _with_seed(prepared, seed)
    weights = checkpoint.from_main(place / CHOSEN, prepared.compute)[0].weights
    with torch.no_grad():
        for name, parameter in best.pretrained.module.named_parameters():
            parameter.requires_grad_(name in weights)
            if name in weights:
                parameter.copy_(weights[name])
    best.prefixes.renew()
    return dataclasses.replace(best, recipe=prepared.recipe, findings=prepared.findings, reasons=prepared.reasons)


def _summary(found: Sequence[Progress], best: int, done: tuple[SeedDone, ...]) -> Trained:
    """Returns the best seed's training, with the time and the examples of all."""
    return dataclasses.replace(
        Trained.of(found[best]),
        seeds=done,
        train_s=sum(p.train_s for p in found),
        checkpoint_s=sum(p.checkpoint_s for p in found),
        n_examples=sum(p.n_examples for p in found),
        n_skipped=sum(p.n_skipped for p in found),
    )
