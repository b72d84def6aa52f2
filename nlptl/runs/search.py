"""What a recipe leaves to trials: its method, its learning rate."""

import dataclasses
from pathlib import Path

from nlptl.core import sharing
from nlptl.core.protocols import Choosing, Solving
from nlptl.core.recipe import Recipe
from nlptl.core.records import Corpus, LabelSpace
from nlptl.engine.device import Compute
from nlptl.runs import choice, rates, settings, tuning
from nlptl.runs.preparing import adapted, solving
from nlptl.runs.settings import Reasons
from nlptl.runs.trials import Trials

SOLVED = "not used: the head is solved for"


def wanted(recipe: Recipe) -> bool:
    """Returns whether a recipe leaves anything to trials."""
    return isinstance(recipe.method, Choosing) or recipe.train.lr == "auto" or recipe.train.search is not None


def settled(
    recipe: Recipe, corpus: Corpus, labels: LabelSpace, folder: Path, compute: Compute
) -> tuple[Recipe, Reasons]:
    """Returns the recipe with what its trials found, and why.

    Args:
        recipe: as the user gave it.
        corpus: its data.
        labels: of its training rows.
        folder: of the run; finished trials are kept there.
        compute: processes, device and number format.

    Raises:
        InputError: nothing can be tried.
    """
    trials = Trials(recipe, corpus, labels, folder, compute)
    with sharing.shared():  # tokens, between the trials
        return _settled(recipe, trials)


def _settled(recipe: Recipe, trials: Trials) -> tuple[Recipe, Reasons]:
    reasons = Reasons()
    if recipe.train.search is not None:
        recipe, reasons = tuning.tuned(recipe, trials)
    if isinstance(recipe.method, Choosing):
        recipe, reasons["method"] = choice.choose(recipe, recipe.method, trials)
        if recipe.train.seeds > 1 and isinstance(recipe.method, Solving):
            recipe = dataclasses.replace(recipe, train=dataclasses.replace(recipe.train, seeds=1))
            reasons["train.seeds"] = SOLVED
    if recipe.train.lr == "auto":
        usual = dataclasses.replace(recipe, train=dataclasses.replace(recipe.train, lr=None))
        prepared = adapted(usual, trials.corpus, trials.labels, trials.compute)
        default = float(prepared.recipe.train.lr or 0)
        lr, reasons["train.lr"] = default, SOLVED
        if not solving(recipe, prepared.pretrained):
            n_updates = settings.n_updates(prepared.recipe.train, len(trials.rows))
            lr, reasons["train.lr"] = rates.search(usual, default, n_updates, trials)
        recipe = dataclasses.replace(recipe, train=dataclasses.replace(recipe.train, lr=lr))
    return recipe, reasons
