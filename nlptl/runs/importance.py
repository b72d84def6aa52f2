"""How much each searched field mattered, by Optuna; imports no torch."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nlptl.core.errors import InputError
from nlptl.core.spaces import Space

if TYPE_CHECKING:
    import optuna

LEAST_TRIALS = 4
Values = Mapping[str, object]


def new_study(seed: int) -> "optuna.Study":
    """Returns a search that proposes by a seed.

    Raises:
        InputError: Optuna is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise InputError("train.search needs Optuna: pip install 'nlptl[tune]'") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))


def importance(study: "optuna.Study") -> dict[str, float]:
    """Returns each field's share of the losses' variance (fANOVA, Hutter et al. 2014); empty if nothing varies."""
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    done = [trial for trial in study.trials if trial.value is not None]
    if len(done) < LEAST_TRIALS or len({trial.value for trial in done}) < 2:
        return {}
    found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
    return {name: float(value) for name, value in found.items()}


def study_of(fields: Sequence[Space], done: Sequence[tuple[Values, float]]) -> "optuna.Study":
    """Returns a study with finished trials in it.

    Args:
        fields: that were searched.
        done: values by field and the loss of each trial.
    """
    study = new_study(seed=0)
    from optuna.trial import create_trial

    of_fields = {space.name: _distribution(space) for space in fields}
    for values, loss in done:
        asked = {space.name: _asked(values[space.name], space) for space in fields}
        study.add_trial(create_trial(params=asked, distributions=of_fields, value=loss))
    return study


def _distribution(space: Space) -> "optuna.distributions.BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if space.choices:
        return CategoricalDistribution(tuple(range(len(space.choices))))
    if space.form == "int":
        return IntDistribution(int(space.low), int(space.high))
    return FloatDistribution(space.low, space.high, log=space.form == "log")


def _asked(value: object, space: Space) -> object:
    """Returns a value as `_proposed` asked for it."""
    if space.choices:
        return space.choices.index(value)
    return min(space.high, max(space.low, value)) if isinstance(value, float) else value  # it was rounded
