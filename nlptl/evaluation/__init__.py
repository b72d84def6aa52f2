"""What a run's predictions are worth: metrics, intervals, baselines; each name loads its file on first use."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nlptl.evaluation.baseline import baselines
    from nlptl.evaluation.metrics import load_metric
    from nlptl.evaluation.scores import paired_difference, score, values
    from nlptl.evaluation.table import METRICS, greater_is_better, usable
    from nlptl.evaluation.thresholds import decide
    from nlptl.evaluation.verdicts import verdict

__all__ = [
    "METRICS",
    "baselines",
    "decide",
    "greater_is_better",
    "load_metric",
    "paired_difference",
    "score",
    "usable",
    "values",
    "verdict",
]

# No file may be named like a name it gives: importing the file would put the module in the name's place.
_FILES = {
    "METRICS": "table",
    "baselines": "baseline",
    "decide": "thresholds",
    "greater_is_better": "table",
    "load_metric": "metrics",
    "paired_difference": "scores",
    "score": "scores",
    "usable": "table",
    "values": "scores",
    "verdict": "verdicts",
}


def __getattr__(name: str) -> Any:
    """Returns a public name, importing its file."""
    if name not in _FILES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_FILES[name]}"), name)
