"""How sure a measured value is: 95 % percentile intervals from rows resampled with replacement.

Efron & Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13. A metric sees the rows only through counts of
equal rows, and resampling rows draws such counts from a multinomial, exactly; so counts are drawn, never rows.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from nlptl.evaluation.confusion import Ids, paired_ids
from nlptl.evaluation.formulas import Floats, measure
from nlptl.records import Interval, LabelSpace

PERCENTILES = (2.5, 97.5)
MAX_CELLS = 2**22  # of the confusion matrices held at once: 32 MiB


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
        values: the number behind each class; only ordered labels have them.
        n_bootstrap: resamples.
        seed: of the resampling.

    Raises:
        InputError: a metric is unknown, or needs ordered labels.
    """
    counts = np.asarray(confusion, dtype=np.int64)
    cells = np.flatnonzero(counts)
    draws: dict[str, list[Floats]] = {name: [] for name in metrics}
    for resamples in _resamples(counts.ravel()[cells], counts.size, n_bootstrap, seed):
        stack = _stack(resamples, cells, len(counts))
        for name in metrics:
            draws[name].append(measure(name, stack, values))
    return {name: _interval(float(measure(name, counts, values)), draws[name]) for name in metrics}


def paired_difference(
    references: Sequence[str],
    a: Sequence[str],
    b: Sequence[str],
    labels: LabelSpace,
    metric: str,
    *,
    n_bootstrap: int,
    seed: int,
) -> Interval:
    """Returns metric(a) - metric(b) with its 95 % interval, both measured on the same resampled rows.

    Args:
        references: the labels, by name.
        a: predictions of one model, by name, in the same order.
        b: predictions of the other model.
        labels: the label space.
        metric: a key of `METRICS`.
        n_bootstrap: resamples.
        seed: of the resampling.

    Raises:
        InputError: there are no rows, lengths differ, a name is not a label, or the metric cannot be used.
    """
    n_classes = len(labels.names)
    wanted, by_a = paired_ids(references, a, labels)
    by_b = paired_ids(references, b, labels)[1]
    rows = np.stack([wanted * n_classes + by_a, wanted * n_classes + by_b])  # (2, n): the cell of each row
    cells, counts = np.unique(rows, axis=1, return_counts=True)  # (2, kinds), (kinds,)
    value = _difference(
        metric, _stack(counts[None], cells[0], n_classes), _stack(counts[None], cells[1], n_classes), labels
    )
    draws = [
        _difference(metric, _stack(drawn, cells[0], n_classes), _stack(drawn, cells[1], n_classes), labels)
        for drawn in _resamples(counts, n_classes**2, n_bootstrap, seed)
    ]
    return _interval(float(value[0]), draws)


def _difference(metric: str, a: Floats, b: Floats, labels: LabelSpace) -> Floats:
    return measure(metric, a, labels.values) - measure(metric, b, labels.values)


def _resamples(counts: Ids, n_cells: int, n_bootstrap: int, seed: int) -> Iterator[Ids]:
    """Yields drawn counts, (resamples, kinds), as many resamples at once as memory allows."""
    random = np.random.default_rng(seed)
    n_rows = counts.sum()
    n_at_once = max(1, MAX_CELLS // n_cells)
    for start in range(0, n_bootstrap, n_at_once):
        yield random.multinomial(n_rows, counts / n_rows, size=min(n_at_once, n_bootstrap - start))


def _stack(drawn: Ids, cells: Ids, n_classes: int) -> Floats:
    """Returns confusion matrices (resamples, classes, classes) from counts (resamples, kinds) and each kind's cell."""
    order = np.argsort(cells, kind="stable")
    occupied, starts = np.unique(cells[order], return_index=True)
    stack = np.zeros((len(drawn), n_classes**2))
    stack[:, occupied] = np.add.reduceat(drawn[:, order], starts, axis=1)
    return stack.reshape(-1, n_classes, n_classes)


def _interval(value: float, draws: list[Floats]) -> Interval:
    """Returns the percentile interval, widened to hold the value, which one-row classes can push out."""
    low, high = np.percentile(np.concatenate(draws), PERCENTILES)
    return Interval(value, min(float(low), value), max(float(high), value))
