"""`--train.lr auto`: tries learning rates on rows held out of training, and keeps the default if none is better.

Three rates train for a short time; the better two train longer (successive halving, Jamieson and Talwalkar 2016). Short
trainings favour high rates, so another rate than the default must be better by more than a standard error.
"""

import dataclasses

from nlptl.core.recipe import Recipe
from nlptl.runs.trials import Trial, Trials

FACTORS = (1.0, 3.0, 1 / 3)
"""Rates tried, as multiples of the method's default, which comes first."""
FIRST_SHARE = 3 / 8
"""Of the search's updates, for the first round."""
LEAST_UPDATES = 30
"""Of a trial; fewer say nothing."""


def search(recipe: Recipe, default: float, n_updates: int, trials: Trials) -> tuple[float, str]:
    """Returns a learning rate, and why.

    Args:
        recipe: with its method.
        default: the method's rate for this model.
        n_updates: of the run.
        trials: where the trials are kept.
    """
    share = recipe.train.search_share
    budget = n_updates * share / (1 - share)
    first, second = int(budget * FIRST_SHARE / len(FACTORS)), int(budget * (1 - FIRST_SHARE) / 2)
    if first < LEAST_UPDATES:
        some = f"{100 * share:.0f} % of this run"
        return default, f"not searched for: {some} is too short for trials of {LEAST_UPDATES} updates"
    rates = [float(f"{default * factor:.2g}") for factor in FACTORS]
    tried = {rate: _trial(recipe, rate, first, trials, "first round") for rate in rates}
    kept = sorted(rates, key=lambda rate: trials.loss(tried[rate]))[:2]
    kept = kept if default in kept else [default, kept[0]]
    longer = {rate: _trial(recipe, rate, second, trials, "second round") for rate in kept}
    other = next(rate for rate in kept if rate != default)
    chosen = other if trials.is_better([longer[other]], [longer[default]]) else default
    values = ", ".join(f"{rate:g}: {trial.value:.4f}" for rate, trial in longer.items())
    return chosen, f"{trials.metric} on training rows held out, after {second} updates: {values}"


def _trial(recipe: Recipe, rate: float, updates: int, trials: Trials, which: str) -> Trial:
    train = dataclasses.replace(recipe.train, lr=rate)
    return trials.run(f"lr {rate:g}, {which}", dataclasses.replace(recipe, train=train), updates=updates)
