"""What a run's predictions are worth: metrics, intervals, baselines; each name loads its file on first use."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nlptl.evaluation.baseline import baseline_predictions
    from nlptl.evaluation.listing import METRICS, check, greater_is_better, usable
    from nlptl.evaluation.scores import paired_difference, score, values
    from nlptl.evaluation.tuning import decide
    from nlptl.evaluation.verdicts import verdict

__all__ = [
    "METRICS",
    "baseline_predictions",
    "check",
    "decide",
    "greater_is_better",
    "paired_difference",
    "score",
    "usable",
    "values",
    "verdict",
]

# No file may be named like a name it gives: importing the file would put the module in the name's place.
_FILES = {
    "METRICS": "listing",
    "baseline_predictions": "baseline",
    "check": "listing",
    "decide": "tuning",
    "greater_is_better": "listing",
    "paired_difference": "scores",
    "score": "scores",
    "usable": "listing",
    "values": "scores",
    "verdict": "verdicts",
}


def __getattr__(name: str) -> object:
    """Returns a public name, importing its file."""
    if name not in _FILES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_FILES[name]}"), name)
