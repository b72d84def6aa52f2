"""What a run's predictions are worth: metrics, intervals, baselines; each name loads its file on first use."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nlptl.evaluation.baseline import baselines
    from nlptl.evaluation.formulas import METRICS, greater_is_better, measure, usable
    from nlptl.evaluation.metrics import load_metric
    from nlptl.evaluation.scores import score
    from nlptl.evaluation.uncertainty import bootstrap, paired_difference

__all__ = [
    "METRICS",
    "baselines",
    "bootstrap",
    "greater_is_better",
    "load_metric",
    "measure",
    "paired_difference",
    "score",
    "usable",
]

# No file may be named like a name it gives: importing the file would put the module in the name's place.
_FILES = {
    "METRICS": "formulas",
    "baselines": "baseline",
    "bootstrap": "uncertainty",
    "greater_is_better": "formulas",
    "load_metric": "metrics",
    "measure": "formulas",
    "paired_difference": "uncertainty",
    "score": "scores",
    "usable": "formulas",
}


def __getattr__(name: str) -> Any:
    """Returns a public name, importing its file."""
    if name not in _FILES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_FILES[name]}"), name)
