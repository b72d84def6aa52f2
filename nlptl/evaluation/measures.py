"""Metrics that are computed from how often each row counts, with their intervals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from nlptl.core.records import Interval
from nlptl.evaluation.intervals import Resampling, interval
from nlptl.evaluation.ranks import Areas, mean_of_known
from nlptl.evaluation.ratios import Floats, ratio
from nlptl.evaluation.rows import Rows


@dataclass(frozen=True)
class Measure:
    """A metric of some rows."""

    values: Callable[[Floats], Floats]
    """From how often each row counts, (resamples, n), to the value in each resample, (resamples,)."""
    most: int | None = None
    """Resamples that are measured at most, for metrics that take long; None: all."""

    def value(self, n: int) -> float:
        """Returns the value if each row counts once.

        Args:
            n: rows.
        """
        return float(self.values(np.ones((1, n)))[0])


class RowsMetric(Protocol):
    """A metric that has a file in nlptl/evaluation/metrics, or is a class of the user's own."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of answers that it is of; empty for all."""

    @property
    def greater_is_better(self) -> bool:
        """Whether larger values are better."""

    @property
    def needs_scores(self) -> bool:
        """Whether it reads `Rows.scores`."""

    def measure(self, rows: Rows) -> Measure:
        """Returns the metric of some rows."""


def mean_area(rows: Rows, area: Callable[[Areas], Floats], none: float) -> Measure:
    """Returns the metric that is the mean of an area over the labels that have one.

    Args:
        rows: with scores.
        area: one of the areas, (classes, resamples).
        none: the value if no label has one.
    """
    ranked = rows.ranked

    def values(counts: Floats) -> Floats:
        return mean_of_known(area(ranked.areas(counts)), none)

    return Measure(values)


def mean(by_row: Floats) -> Measure:
    """Returns the metric that is the mean of a value of each row.

    Args:
        by_row: (n,).
    """

    def values(counts: Floats) -> Floats:
        return ratio(counts @ by_row, counts.sum(1))

    return Measure(values)


def intervals(measures: Mapping[str, Measure], n: int, resampling: Resampling) -> dict[str, Interval]:
    """Returns each metric with its interval.

    Args:
        measures: by name.
        n: rows.
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
    """Returns the first value minus the second, with the interval over the same resampled rows.

    Args:
        both: one metric, of the same rows with two sets of answers.
        n: rows.
        resampling: how rows are resampled.
    """
    first, second = both
    if first.most is not None:
        resampling = resampling._replace(n_bootstrap=min(first.most, resampling.n_bootstrap))
    draws = [first.values(counts) - second.values(counts) for counts in resampling.counts(n)]
    return interval(first.value(n) - second.value(n), draws)
