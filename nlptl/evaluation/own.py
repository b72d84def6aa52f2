"""A user's own metrics: classes of the library `evaluate`, or classes like those in nlptl/evaluation/metrics."""

import sys
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nlptl.core import kinds as core_kinds
from nlptl.core import registry
from nlptl.core.errors import InputError
from nlptl.core.records import Answer
from nlptl.evaluation import kinds
from nlptl.evaluation.measures import Measure, RowsMetric
from nlptl.evaluation.ratios import Floats
from nlptl.evaluation.rows import Rows

if TYPE_CHECKING:
    from evaluate import Metric

MOST_RESAMPLES = 100
"""Most resamples for an `evaluate.Metric`, because computing it for one resample often takes a millisecond or more."""
COLUMNS = ("references", "predictions", "prediction_scores")
"""Inputs that an `evaluate.Metric` may have."""


def load(name: str) -> RowsMetric:
    """Returns a metric by its dotted name, such as my_package.MyMetric, or by its entry point.

    Args:
        name: name of a subclass of `evaluate.Metric`, or of a `RowsMetric` class that needs no arguments.

    Raises:
        InputError: there is no such class, or it is not a metric.
    """
    cls = registry.find("metric", name)
    if isinstance(cls, type) and _is_of_evaluate(cls):
        return FromEvaluate(name, _made(cls))
    if isinstance(cls, type) and registry.offers_all("metric", cls):
        metric: RowsMetric = cls()
        return metric
    parts = ", ".join(registry.OFFERS["metric"])
    raise InputError(f"{name!r} is not a metric: expected a subclass of evaluate.Metric, or a class with {parts}")


class FromEvaluate:
    """Adapts an `evaluate.Metric` to `RowsMetric`.

    The metric's features decide its input: class ids or label names, lists of them, numbers, texts, and as
    `prediction_scores` the scores of the labels. If the class has no `greater_is_better`, larger values are better.

    Args:
        name: name of the metric in reports.
        metric: the object.
    """

    kinds: tuple[str, ...] = ()

    def __init__(self, name: str, metric: "Metric") -> None:
        self.name, self.metric = name, metric
        features = metric.info.features
        # If the metric accepts several forms of input, the first is used.
        self.features: dict[str, object] = dict(features[0] if isinstance(features, list) else features)
        unknown = [column for column in self.features if column not in COLUMNS]
        if unknown:
            raise InputError(f"metric {name!r} needs the input {unknown[0]!r}; supported are {', '.join(COLUMNS)}")
        self.greater_is_better = bool(getattr(metric, "greater_is_better", True))
        self.needs_scores = "prediction_scores" in self.features

    def measure(self, rows: Rows) -> Measure:
        """Returns the metric on these rows, with at most `MOST_RESAMPLES` resamples."""
        columns = {column: self._column(column, rows) for column in self.features}

        def values(counts: Floats) -> Floats:
            return np.array([self._value(columns, drawn) for drawn in counts.astype(np.int64)])

        return Measure(values, MOST_RESAMPLES)

    def _value(self, columns: dict[str, list[object]], drawn: npt.NDArray[np.int64]) -> float:
        chosen = np.repeat(np.arange(len(drawn)), drawn).tolist()
        result = self.metric.compute(**{name: [values[i] for i in chosen] for name, values in columns.items()})
        return _number(self.name, self.metric.name, result)

    def _column(self, column: str, rows: Rows) -> list[object]:
        feature = self.features[column]
        if column == "prediction_scores":
            scores = rows.known_scores
            columns: list[object] = (scores if _inner(feature) is not None else scores[:, -1]).tolist()
            return columns
        answers = rows.references if column == "references" else rows.decisions
        return [self._as_asked(answer, column, rows) for answer in answers]

    def _as_asked(self, answer: object, column: str, rows: Rows) -> object:
        """Returns an answer in the form that the metric's feature requires."""
        feature = self.features[column]
        inner = _inner(feature)
        dtype = str(getattr(feature if inner is None else inner, "dtype", None))
        value = _plain(answer, dtype, rows)
        expected = next((types for prefix, types in TYPES.items() if dtype.startswith(prefix)), ())
        parts = value if inner is not None and isinstance(value, list) else [value]
        if not all(isinstance(part, expected) for part in parts):
            raise InputError(
                f"metric {self.name!r} needs {feature} as {column}; this task gives "
                f"{core_kinds.of(rows.output).answer}, such as {answer!r}"
            )
        return value if inner is None else parts


TYPES: dict[str, tuple[type, ...]] = {"int": (int,), "uint": (int,), "float": (int, float), "string": (str,)}
"""Python types by the prefix of a feature's dtype."""


def _plain(answer: object, dtype: str, rows: Rows) -> object:
    ids = kinds.of(rows.output).ids
    if dtype.startswith(("int", "uint")) and ids is not None:
        return ids(answer, rows.labels)
    if isinstance(answer, list | tuple):
        return [part.text if isinstance(part, Answer) else part for part in answer]
    if dtype.startswith("float") and isinstance(answer, str) and rows.labels.values is not None:
        return rows.labels.values[rows.labels.ids[answer]]
    return answer


def _inner(feature: object) -> object:
    """Returns the feature of a list's items; None if the feature is not a list."""
    if isinstance(feature, Sequence) and not isinstance(feature, str):
        return feature[0]
    return getattr(feature, "feature", None)


def _number(name: str, own_name: str, result: object) -> float:
    """Returns the only value that a metric computed, or the one with the metric's own name."""
    values = result if isinstance(result, dict) else {}
    value = next(iter(values.values())) if len(values) == 1 else values.get(own_name)
    if not isinstance(value, int | float | np.integer | np.floating):
        raise InputError(
            f"metric {name!r} must compute one number, or one named {own_name!r} among others; found {result!r:.80}"
        )
    return float(value)


def _is_of_evaluate(cls: type) -> bool:
    """Returns whether a class is a metric of `evaluate`; if so, `evaluate` is already imported."""
    library = sys.modules.get("evaluate")
    return library is not None and issubclass(cls, library.Metric)


def _made(cls: "type[Metric]") -> "Metric":
    # evaluate creates a cache folder even for a metric that is kept in memory
    with tempfile.TemporaryDirectory() as folder:
        return cls(keep_in_memory=True, cache_dir=folder)
