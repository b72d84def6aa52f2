"""`train.search`: tunes fields by trials on rows held out of training, with Optuna.

The tree-structured Parzen estimator (Bergstra et al. 2011) proposes values; each proposal trains for a third of the
updates of a run. The best three then train for all of them, and the best of these is taken (successive halving,
Jamieson and Talwalkar 2016). Proposals follow from the seed and the trials before, and finished trials are in
search.json: a search that was stopped proposes the same again and goes on, and several processes propose alike.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from nlptl.core import spaces
from nlptl.core.errors import InputError
from nlptl.core.protocols import Choosing
from nlptl.core.recipe import Recipe
from nlptl.core.spaces import Space
from nlptl.report import console
from nlptl.runs import settings
from nlptl.runs.importance import importance, new_study
from nlptl.runs.settings import Reasons
from nlptl.runs.trials import Trial, Trials

if TYPE_CHECKING:
    import optuna

FIRST_SHARE, N_KEPT = 3, 3
"""1 / 3 of the updates in the first round; then how many settings go on."""
LEAST_UPDATES = 20
"""Fewer say nothing."""
Values = Mapping[str, object]


def tuned(recipe: Recipe, trials: Trials) -> tuple[Recipe, Reasons]:
    """Returns the recipe with the values that its search found, and why.

    Args:
        recipe: with train.search.
        trials: where the trials are kept.

    Raises:
        InputError: the search cannot be read, a field cannot have a value, or every trial failed.
    """
    found = spaces.parse(str(recipe.train.search))
    plain = dataclasses.replace(recipe, train=dataclasses.replace(recipe.train, search=None))
    if isinstance(recipe.method, Choosing):
        raise InputError("method auto makes its own trials: name the method whose settings are searched")
    spaces.applied(plain, {space.name: space.first for space in found})
    study = new_study(recipe.train.seed)
    tried: dict[str, tuple[Values, Trial]] = {}
    for _ in range(recipe.train.n_trials):
        asked = study.ask()
        values = {space.name: _proposed(asked, space) for space in found}
        trial = _tried(plain, values, trials, "first round", FIRST_SHARE)
        tried[_named(values)] = (values, trial)
        loss = trials.loss(trial)
        study.tell(asked, None if math.isinf(loss) else loss, state=_failed() if math.isinf(loss) else None)
    ranked = sorted(tried.values(), key=lambda own: trials.loss(own[1]))[:N_KEPT]
    longer = [(values, _tried(plain, values, trials, "second round", 1)) for values, _ in ranked]
    chosen, best = min(longer, key=lambda own: trials.loss(own[1]))
    if math.isnan(best.value):
        raise InputError("the search found nothing: every trial diverged; search lower learning rates")
    if trials.compute.is_main:
        console.tuned(trials.metric, [(_named(v), t.value) for v, t in longer], importance(study))
    why = f"tuned, {trials.metric} {best.value:.4f} on training rows held out, the best of {len(tried)} tried"
    return spaces.applied(plain, chosen), dict.fromkeys(chosen, why)


def _failed() -> "optuna.trial.TrialState":
    from optuna.trial import TrialState

    return TrialState.FAIL


def _proposed(asked: "optuna.Trial", space: Space) -> object:
    if space.choices:
        # By position: Optuna takes only plain values, and lists are choices too.
        return space.choices[asked.suggest_categorical(space.name, tuple(range(len(space.choices))))]
    if space.form == "int":
        return asked.suggest_int(space.name, int(space.low), int(space.high))
    value = asked.suggest_float(space.name, space.low, space.high, log=space.form == "log")
    return float(f"{value:.3g}")


def _tried(recipe: Recipe, values: Values, trials: Trials, which: str, share: int) -> Trial:
    own = spaces.applied(recipe, values)
    n_rows = len(trials.rows)
    sized, _ = settings.sized(own.train, n_rows)
    updates = max(LEAST_UPDATES, settings.n_updates(sized, n_rows) // share)
    return trials.run(f"{_named(values)}, {which}", own, updates=updates)


def _named(values: Values) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
