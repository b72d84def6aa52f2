"""95 % intervals: percentiles of resamples, and Wilson's for a share.

Efron & Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats  # type: ignore[import-untyped]

from nlptl.core.checks import within
from nlptl.core.config import MAX_BOOTSTRAP
from nlptl.core.records import Interval
from nlptl.evaluation.ratios import Floats

PERCENTILES = (2.5, 97.5)
MAX_CELLS = 2**20  # resamples * rows drawn at once: 8 MiB of counts


class Resampling(NamedTuple):
    """How rows are resampled."""

    n_bootstrap: int
    """Number of resamples for each interval."""
    seed: int

    @staticmethod
    def of(n_bootstrap: int, seed: int) -> "Resampling":
        """Returns a checked resampling.

        Raises:
            InputError: `n_bootstrap` is below 1 or above `MAX_BOOTSTRAP`.
        """
        within("n_bootstrap", n_bootstrap, 1, MAX_BOOTSTRAP)
        return Resampling(n_bootstrap, seed)

    def counts(self, n: int) -> Iterator[Floats]:
        """Yields how often each row is drawn, (resamples, n), in blocks that fit into memory.

        The same seed and n give the same draws.

        Args:
            n: number of rows.
        """
        random, n_at_once = np.random.default_rng(self.seed), max(1, MAX_CELLS // n)
        for start in range(0, self.n_bootstrap, n_at_once):
            shape = (min(n_at_once, self.n_bootstrap - start), n)
            rows = random.integers(0, n, shape) + n * np.arange(shape[0])[:, None]
            yield np.bincount(rows.ravel(), minlength=shape[0] * n).reshape(shape).astype(np.float64)


def interval(value: float, draws: Sequence[Floats]) -> Interval:
    """Returns the percentile interval, widened to include the value, which may lie outside if classes have one row.

    Args:
        value: the value on all rows.
        draws: the values on the resamples, in blocks.
    """
    low, high = np.percentile(np.concatenate(draws), PERCENTILES)
    return Interval(value, min(float(low), value), max(float(high), value))


def wilson(n_true: float, n: int) -> Interval:
    """Returns a share with its 95 % interval, Wilson 1927, "Probable Inference", which holds for few rows too.

    Args:
        n_true: how many are true.
        n: of how many, at least one.
    """
    z, share = float(stats.norm.ppf(0.975)), n_true / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return Interval(share, max(0.0, min(middle - half, share)), min(1.0, max(middle + half, share)))
