"""One label per row: metrics with 95 % intervals, from resampled confusion matrices.

Efron & Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13. A metric depends only on the counts of equal
rows, and in resampled rows these counts have exactly a multinomial distribution; so counts are drawn instead of rows.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from nlptl.core.records import Interval, LabelSpace, Scores
from nlptl.evaluation.confusion import Ids, confusion_matrix, paired_ids
from nlptl.evaluation.formulas import METRICS, Metric, measure, per_class
from nlptl.evaluation.intervals import Resampling, interval
from nlptl.evaluation.kind import Answered
from nlptl.evaluation.permutations import Permutations, Permuted
from nlptl.evaluation.ratios import Floats

MAX_CELLS = 2**22  # cells of the confusion matrices held at once: 32 MiB


def bootstrap(
    confusion: npt.ArrayLike,
    metrics: Sequence[str],
    values: Sequence[float] | None = None,
    *,
    n_bootstrap: int,
    seed: int,
) -> dict[str, Interval]:
    """Returns the value of each metric with its 95 % interval.

    Args:
        confusion: counts, (classes, classes), rows are labels and columns are predictions.
        metrics: keys of `METRICS`.
        values: the number of each class; None if labels are not ordered.
        n_bootstrap: number of resamples.
        seed: seed of the resampling.

    Raises:
        InputError: a metric is unknown, or needs ordered labels.
    """
    counts = np.asarray(confusion, dtype=np.int64)
    draws: dict[str, list[Floats]] = {name: [] for name in metrics}
    for stack in resampled(counts, n_bootstrap, seed):
        for name in metrics:
            draws[name].append(measure(name, stack, values))
    return {name: interval(float(measure(name, counts, values)), draws[name]) for name in metrics}


def resampled(confusion: Ids, n_bootstrap: int, seed: int | Sequence[int]) -> Iterator[Floats]:
    """Yields confusion matrices of resampled rows, (resamples, classes, classes), in blocks that fit into memory.

    Args:
        confusion: counts, (classes, classes).
        n_bootstrap: number of resamples.
        seed: one number, or several that together are the seed.
    """
    cells = np.flatnonzero(confusion)
    for drawn in _resamples(confusion.ravel()[cells], confusion.size, n_bootstrap, seed):
        yield _stack(drawn, cells, len(confusion))


class ByConfusion:
    """Computes metrics for one label per row from confusion matrices."""

    metrics: Mapping[str, Metric] = METRICS

    def score(self, rows: Answered, resampling: Resampling, only: Collection[str] | None = None) -> Scores:
        """Returns the metrics with intervals, the table by class and the confusion matrix; see `Measured.score`."""
        confusion, labels = _confusion(rows), rows.labels
        metrics = bootstrap(confusion, _measured(labels, only), labels.values, **resampling._asdict())
        return Scores(metrics, per_class(confusion, labels.names), confusion.tolist())

    def values(self, rows: Answered, only: Collection[str] | None = None) -> dict[str, float]:
        """Returns the metrics without intervals; see `Measured.values`."""
        confusion, labels = _confusion(rows), rows.labels
        return {name: float(measure(name, confusion, labels.values)) for name in _measured(labels, only)}

    def difference(self, first: Answered, second: Answered, metric: str, resampling: Resampling) -> Interval:
        """Returns the first answers' metric minus the second's; see `Measured.difference`."""
        n_classes = len(first.labels.names)
        cells, counts = _cell_pairs(first, second)
        value, *draws = (
            _difference(metric, [_stack(drawn, places, n_classes) for places in cells], first.labels)
            for drawn in chain([counts[None]], _resamples(counts, n_classes**2, *resampling))
        )
        return interval(float(value[0]), draws)

    def permuted(self, first: Answered, second: Answered, metric: str, permutations: Permutations) -> Permuted:
        """Returns the difference, and those after exchanges; see `Measured.permuted`."""
        n_classes = len(first.labels.names)
        (a, b), counts = _cell_pairs(first, second)

        def difference(exchanged: Floats) -> Floats:
            kept = counts - exchanged
            matrices = [_stack(kept, x, n_classes) + _stack(exchanged, y, n_classes) for x, y in ((a, b), (b, a))]
            return _difference(metric, matrices, first.labels)

        none = np.zeros((1, len(counts)))
        return Permuted(float(difference(none)[0]), [difference(drawn) for drawn in permutations.alike(counts)])


def _cell_pairs(first: Answered, second: Answered) -> tuple[Ids, Ids]:
    """Returns the cells of two confusion matrices in which rows lie, (2, kinds), and how many rows do, (kinds,)."""
    both = [paired_ids(rows.references, rows.decisions, rows.labels) for rows in (first, second)]
    rows = np.stack([labelled * len(first.labels.names) + predicted for labelled, predicted in both])  # (2, n)
    cells, counts = np.unique(rows, axis=1, return_counts=True)
    return cells, counts


def _confusion(rows: Answered) -> Ids:
    return confusion_matrix(*paired_ids(rows.references, rows.decisions, rows.labels), len(rows.labels.names))


def _measured(labels: LabelSpace, only: Collection[str] | None) -> list[str]:
    known = [name for name, metric in METRICS.items() if labels.values is not None or not metric.ordered]
    return [name for name in known if only is None or name in only]


def _difference(metric: str, stacks: Sequence[Floats], labels: LabelSpace) -> Floats:
    a, b = (measure(metric, stack, labels.values) for stack in stacks)
    return a - b


def _resamples(counts: Ids, n_cells: int, n_bootstrap: int, seed: int | Sequence[int]) -> Iterator[Ids]:
    """Yields drawn counts, (resamples, kinds), in blocks that fit into memory."""
    random = np.random.default_rng(seed)
    n_rows = counts.sum()
    n_at_once = max(1, MAX_CELLS // max(n_cells, len(counts)))
    for start in range(0, n_bootstrap, n_at_once):
        yield random.multinomial(n_rows, counts / n_rows, size=min(n_at_once, n_bootstrap - start))


def _stack(drawn: Ids | Floats, cells: Ids, n_classes: int) -> Floats:
    """Returns confusion matrices (resamples, classes, classes) from counts (resamples, kinds) and each kind's cell."""
    order = np.argsort(cells, kind="stable")
    occupied, starts = np.unique(cells[order], return_index=True)
    stack = np.zeros((len(drawn), n_classes**2))
    stack[:, occupied] = np.add.reduceat(drawn[:, order], starts, axis=1)
    return stack.reshape(-1, n_classes, n_classes)
