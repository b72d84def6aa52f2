"""Metrics that are formulas over summed statistics of the rows, and their intervals.

Resampling rows with replacement changes only how often a row counts, so a block of resamples is one matrix product:
(resamples, rows) counts @ (rows, k) statistics.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nlptl.core.errors import InputError
from nlptl.core.records import Interval, LabelSpace, Scores
from nlptl.evaluation.confusion import check_rows
from nlptl.evaluation.formulas import Metric, find_metric
from nlptl.evaluation.intervals import Resampling, interval
from nlptl.evaluation.kind import Answered
from nlptl.evaluation.permutations import Permutations, Permuted
from nlptl.evaluation.ratios import Floats


@dataclass(frozen=True)
class Counted:
    """The statistics of rows from which metrics are computed."""

    statistics: Floats
    """k statistics of each row, (n, k); formulas take sums over rows, (..., k)."""
    measured: tuple[str, ...]
    """Names of the metrics that can be measured on these rows."""
    by_class: dict[str, dict[str, float]]
    """precision, recall, f1 and support by class; empty if answers have no classes."""


@dataclass(frozen=True)
class ByRow:
    """Computes metrics from statistics of single rows."""

    metrics: Mapping[str, Metric]
    """Formulas over sums (..., k)."""
    count: Callable[[Sequence[Any], Sequence[Any], LabelSpace], Counted]
    """Computes the statistics from references and predictions: same length, at least one row, no None."""

    def score(self, rows: Answered, resampling: Resampling, only: Collection[str] | None = None) -> Scores:
        """Returns the metrics with intervals and the table by class; see `Measured.score`."""
        counted = self._counted(rows)
        values = self._values(counted, only)
        draws: dict[str, list[Floats]] = {name: [] for name in values}
        for counts in resampling.counts(len(counted.statistics)) if values else ():
            sums = counts @ counted.statistics
            for name, drawn in draws.items():
                drawn.append(self.metrics[name].formula(sums))
        metrics = {name: interval(value, draws[name]) for name, value in values.items()}
        return Scores(metrics, counted.by_class, [])

    def values(self, rows: Answered, only: Collection[str] | None = None) -> dict[str, float]:
        """Returns the metrics without intervals; see `Measured.values`."""
        return self._values(self._counted(rows), only)

    def difference(self, first: Answered, second: Answered, metric: str, resampling: Resampling) -> Interval:
        """Returns the first answers' metric minus the second's; see `Measured.difference`."""
        formula = find_metric(metric, self.metrics).formula
        tables = [self._statistics(rows, metric) for rows in (first, second)]
        value = formula(tables[0].sum(0)) - formula(tables[1].sum(0))
        draws = [
            formula(counts @ tables[0]) - formula(counts @ tables[1]) for counts in resampling.counts(len(tables[0]))
        ]
        return interval(float(value), draws)

    def permuted(self, first: Answered, second: Answered, metric: str, permutations: Permutations) -> Permuted:
        """Returns the difference, and those after exchanges; see `Measured.permuted`."""
        formula, n = find_metric(metric, self.metrics).formula, len(first.references)
        a, b = (self._statistics(rows, metric) for rows in (first, second))

        def difference(exchanged: Floats) -> Floats:
            moved = exchanged @ (b - a)
            return formula(a.sum(0) + moved) - formula(b.sum(0) - moved)

        draws = [difference(drawn) for drawn in permutations.rows(n)]
        return Permuted(float(difference(np.zeros((1, n)))[0]), draws)

    def _values(self, counted: Counted, only: Collection[str] | None) -> dict[str, float]:
        total = counted.statistics.sum(0)
        names = [name for name in counted.measured if only is None or name in only]
        return {name: float(self.metrics[name].formula(total)) for name in names}

    def _counted(self, rows: Answered) -> Counted:
        _check(rows)
        return self.count(rows.references, rows.decisions, rows.labels)

    def _statistics(self, rows: Answered, metric: str) -> Floats:
        counted = self._counted(rows)
        if metric not in counted.measured:
            known = ", ".join(counted.measured)
            raise InputError(f"{metric} is not measured on these rows; choose one of {known}")
        return counted.statistics


def _check(rows: Answered) -> None:
    check_rows(len(rows.references), len(rows.decisions))
    for what, values in (("references", rows.references), ("predictions", rows.decisions)):
        missing = next((i for i, value in enumerate(values) if value is None), None)
        if missing is not None:
            raise InputError(f"{what}[{missing}] is None: leave out rows without a label or an answer")
