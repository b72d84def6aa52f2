"""Metrics as functions of how often each row counts, and their intervals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from nlptl.core.records import Interval
from nlptl.evaluation.intervals import Resampling, interval
from nlptl.evaluation.permutations import Permutations, Permuted
from nlptl.evaluation.ranks import Areas, mean_of_known
from nlptl.evaluation.ratios import Floats, ratio
from nlptl.evaluation.rows import Rows


@dataclass(frozen=True)
class Measure:
    """A metric on given rows."""

    values: Callable[[Floats], Floats]
    """Maps how often each row counts, (resamples, n), to the value in each resample, (resamples,)."""
    most: int | None = None
    """Most resamples, for slow metrics; None: all."""

    def value(self, n: int) -> float:
        """Returns the value on all rows, each counted once.

        Args:
            n: number of rows.
        """
        return float(self.values(np.ones((1, n)))[0])


class RowsMetric(Protocol):
    """A metric: a file in nlptl/evaluation/metrics, or a user's own class."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of answers that the metric is for; empty for all."""

    @property
    def greater_is_better(self) -> bool:
        """Whether larger values are better."""

    @property
    def needs_scores(self) -> bool:
        """Whether the metric needs `Rows.scores`."""

    def measure(self, rows: Rows) -> Measure:
        """Returns the metric on these rows."""


@runtime_checkable
class Sometimes(RowsMetric, Protocol):
    """A metric that only some rows have; it can be reported, but it cannot be the primary metric."""

    def applies(self, rows: Rows) -> bool:
        """Returns whether these rows have the metric."""


def mean_area(rows: Rows, area: Callable[[Areas], Floats], none: float) -> Measure:
    """Returns the metric that is the mean of an area over the labels for which it is defined.

    Args:
        rows: rows with scores.
        area: selects one of the areas, (classes, resamples).
        none: the value if it is defined for no label.
    """
    ranked = rows.ranked

    def values(counts: Floats) -> Floats:
        return mean_of_known(area(ranked.areas(counts)), none)

    return Measure(values)


def mean(by_row: Floats) -> Measure:
    """Returns the metric that is the mean over rows.

    Args:
        by_row: value of each row, (n,).
    """

    def values(counts: Floats) -> Floats:
        return ratio(counts @ by_row, counts.sum(1))

    return Measure(values)


def intervals(measures: Mapping[str, Measure], n: int, resampling: Resampling) -> dict[str, Interval]:
    """Returns each metric with its interval.

    Args:
        measures: the metrics by name.
        n: number of rows.
        resampling: how rows are resampled.
    """
    draws: dict[str, list[Floats]] = {name: [] for name in measures}
    n_drawn = 0
    for counts in resampling.counts(n) if measures else ():
        for name, measure in measures.items():
            left = len(counts) if measure.most is None else max(0, measure.most - n_drawn)
            if left:
                draws[name].append(measure.values(counts if left >= len(counts) else counts[:left]))
        n_drawn += len(counts)
    return {name: interval(measure.value(n), draws[name]) for name, measure in measures.items()}


def difference(both: tuple[Measure, Measure], n: int, resampling: Resampling) -> Interval:
    """Returns the first value minus the second, with its interval; both use the same resampled rows.

    Args:
        both: one metric on the same rows with two sets of answers.
        n: number of rows.
        resampling: how rows are resampled.
    """
    first, second = both
    if first.most is not None:
        resampling = resampling._replace(n_bootstrap=min(first.most, resampling.n_bootstrap))
    draws = [first.values(counts) - second.values(counts) for counts in resampling.counts(n)]
    return interval(first.value(n) - second.value(n), draws)


def permuted(both: Measure, n: int, permutations: Permutations) -> Permuted:
    """Returns the first answers' value minus the second's, and the same after some answers were exchanged.

    Args:
        both: a metric on 2 * n rows: n rows with the first answers, then the same rows with the second answers.
        n: number of rows.
        permutations: how answers are exchanged.
    """
    if both.most is not None:
        permutations = permutations._replace(n=min(both.most, permutations.n))

    def difference(exchanged: Floats) -> Floats:
        first, second = np.hstack([1 - exchanged, exchanged]), np.hstack([exchanged, 1 - exchanged])
        return both.values(first) - both.values(second)

    draws = [difference(drawn) for drawn in permutations.rows(n)]
    return Permuted(float(difference(np.zeros((1, n)))[0]), draws)
