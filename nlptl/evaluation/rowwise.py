"""Metrics that are formulas over sums of a few statistics of each row, and their intervals.

Resampling rows with replacement changes only how often a row counts, so a block of resamples is one matrix product:
(resamples, rows) counts @ (rows, k) statistics.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nlptl.core.errors import InputError
from nlptl.core.records import Interval, LabelSpace, Scores
from nlptl.evaluation.confusion import check_rows
from nlptl.evaluation.formulas import Floats, Metric, find_metric
from nlptl.evaluation.intervals import Resampling, interval

MAX_CELLS = 2**20  # rows of all resamples that are drawn at once: 8 MiB of counts


@dataclass(frozen=True)
class Counted:
    """What the metrics need of some rows."""

    statistics: Floats
    """(n, k); formulas take their sums over rows, (..., k)."""
    measured: tuple[str, ...]
    """Names of the metrics that these rows have."""
    by_class: dict[str, dict[str, float]]
    """precision, recall, f1 and support by class; empty where answers have no classes."""


@dataclass(frozen=True)
class ByRow:
    """How the rows of one output are measured."""

    metrics: Mapping[str, Metric]
    """Formulas over sums (..., k)."""
    count: Callable[[Sequence[Any], Sequence[Any], LabelSpace], Counted]
    """From references and predictions, which are as many, at least one, and none of them None."""

    def score(
        self, references: Sequence[Any], predictions: Sequence[Any], labels: LabelSpace, resampling: Resampling
    ) -> Scores:
        """Returns the metrics with intervals and the table by class, as `score` describes."""
        counted = self._counted(references, predictions, labels)
        draws: dict[str, list[Floats]] = {name: [] for name in counted.measured}
        for (sums,) in _resampled((counted.statistics,), resampling):
            for name, drawn in draws.items():
                drawn.append(self.metrics[name].formula(sums))
        found = {name: interval(value, draws[name]) for name, value in self._values(counted).items()}
        return Scores(found, counted.by_class, [])

    def values(self, references: Sequence[Any], predictions: Sequence[Any], labels: LabelSpace) -> dict[str, float]:
        """Returns the metrics without intervals, as `values` describes."""
        return self._values(self._counted(references, predictions, labels))

    def difference(
        self,
        references: Sequence[Any],
        both: tuple[Sequence[Any], Sequence[Any]],
        labels: LabelSpace,
        metric: str,
        resampling: Resampling,
    ) -> Interval:
        """Returns the first predictions' metric less the second's, as `paired_difference` describes."""
        formula = find_metric(metric, self.metrics).formula
        tables = [self._count(references, predictions, labels, metric) for predictions in both]
        value = formula(tables[0].sum(0)) - formula(tables[1].sum(0))
        draws = [formula(first) - formula(second) for first, second in _resampled(tables, resampling)]
        return interval(float(value), draws)

    def value(self, references: Sequence[Any], predictions: Sequence[Any], labels: LabelSpace, metric: str) -> float:
        """Returns one metric without an interval.

        Raises:
            InputError: as `score`, or the rows do not have the metric.
        """
        formula = find_metric(metric, self.metrics).formula
        return float(formula(self._count(references, predictions, labels, metric).sum(0)))

    def _values(self, counted: Counted) -> dict[str, float]:
        total = counted.statistics.sum(0)
        return {name: float(self.metrics[name].formula(total)) for name in counted.measured}

    def _counted(self, references: Sequence[Any], predictions: Sequence[Any], labels: LabelSpace) -> Counted:
        _check(references, predictions)
        return self.count(references, predictions, labels)

    def _count(self, references: Sequence[Any], predictions: Sequence[Any], labels: LabelSpace, metric: str) -> Floats:
        counted = self._counted(references, predictions, labels)
        if metric not in counted.measured:
            found = ", ".join(counted.measured)
            raise InputError(f"{metric} is not measured on these rows; choose one of {found}")
        return counted.statistics


def _resampled(tables: Sequence[Floats], resampling: Resampling) -> Iterator[list[Floats]]:
    """Yields the sums of each table, (resamples, k), over the same resampled rows, in blocks that fit into memory."""
    random, n = np.random.default_rng(resampling.seed), len(tables[0])
    n_at_once = max(1, MAX_CELLS // n)
    for start in range(0, resampling.n_bootstrap, n_at_once):
        shape = (min(n_at_once, resampling.n_bootstrap - start), n)
        rows = random.integers(0, n, shape) + n * np.arange(shape[0])[:, None]
        counts = np.bincount(rows.ravel(), minlength=shape[0] * n).reshape(shape).astype(np.float64)
        yield [counts @ table for table in tables]


def _check(references: Sequence[Any], predictions: Sequence[Any]) -> None:
    check_rows(len(references), len(predictions))
    for what, values in (("references", references), ("predictions", predictions)):
        missing = next((i for i, value in enumerate(values) if value is None), None)
        if missing is not None:
            raise InputError(f"{what}[{missing}] is None: leave out rows without a label or an answer")
