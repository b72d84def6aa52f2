"""Scores by group of rows, and the gap between the best and the worst group."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nlptl.core.bias import Gap, Group, Groups
from nlptl.core.errors import InputError, nearest
from nlptl.core.records import LabelSpace
from nlptl.evaluation.confusion import Ids, paired_ids
from nlptl.evaluation.formulas import METRICS, measure
from nlptl.evaluation.intervals import Resampling, interval
from nlptl.evaluation.kind import Answered
from nlptl.evaluation.ratios import Floats
from nlptl.evaluation.uncertainty import resampled

MOST_GROUPS = 100
LEAST_ROWS = 10
"""Rows that a group needs for the gap: the score of fewer is mostly chance."""


def by_group(column: str, groups: Sequence[str], rows: Answered, metric: str, resampling: Resampling) -> Groups:
    """Returns a metric for each group, and the gap between the best and the worst group.

    These two were chosen because they differ, so the interval of their gap is too optimistic. The p-value is not: it
    compares the gap with the largest gaps after the groups have been shuffled among the rows.

    Args:
        column: where the groups come from.
        groups: the group of each row.
        rows: labels and predictions, one label each.
        metric: one of `formulas.METRICS`.
        resampling: resamples for intervals, and as many permutations.

    Raises:
        InputError: the metric is not one of these, or there are more than `MOST_GROUPS` groups.
    """
    check_metric(metric, rows.labels)
    names, of_row = np.unique(np.array(groups, dtype=object).astype(str), return_inverse=True)
    if len(names) > MOST_GROUPS:
        raise InputError(
            f"the column {column!r} has {len(names):,} different values; expected at most {MOST_GROUPS} groups of rows"
        )
    labelled, predicted = paired_ids(rows.references, rows.decisions, rows.labels)
    cells = _Cells(labelled * len(rows.labels.names) + predicted, metric, rows.labels)
    confusions = cells.by_group(of_row, len(names))
    values, counts = cells.measured(confusions), confusions.sum((1, 2))
    draws = [cells.drawn(confusion, resampling, i) for i, confusion in enumerate(confusions)]
    found = [
        Group(str(name), int(n), interval(float(value), [drawn]))
        for name, n, value, drawn in zip(names, counts, values, draws, strict=True)
    ]
    enough, gap = np.flatnonzero(counts >= LEAST_ROWS), None
    if len(enough) > 1:
        order = enough[np.argsort(values[enough] if METRICS[metric].greater_is_better else -values[enough])]
        worst, best = order[0], order[-1]
        difference = interval(float(values[best] - values[worst]), [draws[best] - draws[worst]])
        gap = Gap(str(names[best]), str(names[worst]), difference, _by_chance(cells, of_row, enough, resampling))
    return Groups(column, metric, tuple(sorted(found, key=lambda group: -group.n)), gap, LEAST_ROWS)


def check_metric(metric: str, labels: LabelSpace) -> None:
    """Checks that a metric can be measured by group.

    Raises:
        InputError: it cannot.
    """
    known = [name for name, own in METRICS.items() if labels.values is not None or not own.ordered]
    if metric not in known:
        raise InputError(f"{metric!r} is not measured by group{nearest(metric, known)}; usable: {', '.join(known)}")


@dataclass(frozen=True)
class _Cells:
    """The cell of the confusion matrix in which each row lies, (n,), and the metric."""

    of_row: Ids
    metric: str
    labels: LabelSpace

    def by_group(self, groups: Ids, n: int) -> Ids:
        """Returns a confusion matrix for each of n groups, (n, classes, classes)."""
        size = len(self.labels.names)
        counts = np.bincount(groups * size**2 + self.of_row, minlength=n * size**2)
        return counts.reshape(n, size, size)

    def measured(self, stack: Ids | Floats) -> Floats:
        """Returns the metric of each confusion matrix."""
        return measure(self.metric, stack, self.labels.values)

    def drawn(self, confusion: Ids, resampling: Resampling, group: int) -> Floats:
        """Returns the metric on resamples of one group's rows; each group has draws of its own."""
        stacks = resampled(confusion, resampling.n_bootstrap, [resampling.seed, group])
        return np.concatenate([self.measured(stack) for stack in stacks])


def _by_chance(cells: _Cells, of_row: Ids, enough: Ids, resampling: Resampling) -> float:
    """Returns the share of shuffled groups with a gap at least as large, the groups as they are among them.

    Phipson and Smyth 2010, "Permutation P-values should never be zero".
    """
    kept = np.isin(of_row, enough)
    own, groups = _Cells(cells.of_row[kept], cells.metric, cells.labels), np.searchsorted(enough, of_row[kept])
    random = np.random.default_rng(resampling.seed)

    def gap(shuffled: Ids) -> float:
        return float(np.ptp(own.measured(own.by_group(shuffled, len(enough)))))

    seen = gap(groups) - 1e-12  # sums in another order may differ in the last digit
    n_as_large = sum(gap(random.permutation(groups)) >= seen for _ in range(resampling.n_bootstrap))
    return (1 + n_as_large) / (1 + resampling.n_bootstrap)
