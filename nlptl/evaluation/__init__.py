"""Metrics, intervals and baselines; each name imports its file on first use."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nlptl.evaluation.baseline import baseline_predictions
    from nlptl.evaluation.flipping import flips
    from nlptl.evaluation.groups import by_group, check_metric
    from nlptl.evaluation.listing import METRICS, check, greater_is_better, usable
    from nlptl.evaluation.scores import paired_difference, score, values
    from nlptl.evaluation.significance import holm, mcnemar, paired_test
    from nlptl.evaluation.tuning import check_decisions, decide
    from nlptl.evaluation.verdicts import is_worse, verdict

__all__ = [
    "METRICS",
    "baseline_predictions",
    "by_group",
    "check",
    "check_decisions",
    "check_metric",
    "decide",
    "flips",
    "greater_is_better",
    "holm",
    "is_worse",
    "mcnemar",
    "paired_difference",
    "paired_test",
    "score",
    "usable",
    "values",
    "verdict",
]

# A file must not have the name of a function: importing the file would replace the function by the module.
_FILES = {
    "METRICS": "listing",
    "baseline_predictions": "baseline",
    "by_group": "groups",
    "check": "listing",
    "check_decisions": "tuning",
    "check_metric": "groups",
    "decide": "tuning",
    "flips": "flipping",
    "greater_is_better": "listing",
    "holm": "significance",
    "is_worse": "verdicts",
    "mcnemar": "significance",
    "paired_difference": "scores",
    "paired_test": "significance",
    "score": "scores",
    "usable": "listing",
    "values": "scores",
    "verdict": "verdicts",
}


def __getattr__(name: str) -> object:
    """Imports the file of a public name and returns the object."""
    if name not in _FILES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_FILES[name]}"), name)
