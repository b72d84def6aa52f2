"""Areas under ROC and precision-recall curves, for many resamples at once.

A resample only changes how often each row counts. So for each label the rows are sorted once: rows with the label by
score, the others relative to these scores. One sparse matrix product then sums the counts of many resamples by place,
and the areas are sums over places. 1,000 resamples of 10,000 rows with two labels take 0.2 s, of 4,500 rows with 151
labels 0.9 s.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse  # type: ignore[import-untyped]

from nlptl.evaluation.ratios import Floats, ratio


class Areas(NamedTuple):
    """Areas for each label in each resample; NaN if the resample has no row with the label."""

    roc: Floats
    """Under the ROC curve, (classes, resamples); also NaN if all rows have the label."""
    precision: Floats
    """Average precision, (classes, resamples)."""


class Ranked:
    """Rows sorted by score, for each label.

    Args:
        scores: score of each label, (n, classes).
        has: whether a row has a label, (n, classes).
    """

    def __init__(self, scores: Floats, has: npt.NDArray[np.bool_]) -> None:
        self._places = [_Places(scores[:, i], has[:, i]) for i in range(scores.shape[1])]
        self._last: tuple[Floats, Areas] | None = None

    def areas(self, counts: Floats) -> Areas:
        """Returns the areas; the last result is cached for the next metric with the same counts.

        Args:
            counts: how often each row counts, (resamples, n).
        """
        if self._last is None or self._last[0] is not counts:
            by_row = np.ascontiguousarray(counts.T)  # (n, resamples)
            areas = [places.areas(by_row) for places in self._places]
            self._last = counts, Areas(*(np.stack(kind) for kind in zip(*areas, strict=True)))
        return self._last[1]


class _Places:
    """The places of rows in the order of one label's scores."""

    def __init__(self, scores: Floats, has: npt.NDArray[np.bool_]) -> None:
        levels = np.unique(scores[has])
        below, up_to = (np.searchsorted(levels, scores, side) for side in ("left", "right"))
        self.n_levels = n = len(levels)
        # Rows with the label by level; then rows without it that have the same score; then those between two levels.
        place = np.where(has, below, np.where(up_to > below, n + below, 2 * n + below))
        ones, rows = np.ones(len(scores)), np.arange(len(scores))
        self.matrix = sparse.csr_matrix((ones, (place, rows)), shape=(3 * n + 1, len(scores)))

    def areas(self, counts: Floats) -> tuple[Floats, Floats]:
        """Returns the areas under the ROC curve and the average precisions, (resamples,) each."""
        n, sums = self.n_levels, self.matrix @ counts
        positive, level, between = sums[:n], sums[n : 2 * n], sums[2 * n :]
        n_positive, n_others = positive.sum(0), level.sum(0) + between.sum(0)
        below = np.cumsum(between[:n], axis=0)  # rows without the label and with a lower score
        below[1:] += np.cumsum(level[:-1], axis=0)
        roc = (positive * (below + level / 2)).sum(0)
        hits = n_positive - np.cumsum(positive, axis=0) + positive  # rows with the label and this score or a higher one
        precision = (positive * ratio(hits, hits + n_others - below)).sum(0)
        return _share(roc, n_positive * n_others), _share(precision, n_positive)


def _share(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below != 0)


def mean_of_known(areas: Floats, otherwise: float) -> Floats:
    """Returns the mean over the labels whose area is not NaN, (resamples,).

    Args:
        areas: (classes, resamples).
        otherwise: the mean if all are NaN.
    """
    known = ~np.isnan(areas)
    n_known = known.sum(0).astype(np.float64)
    means = ratio(np.where(known, areas, 0.0).sum(0), n_known)
    return np.where(n_known > 0, means, otherwise)
