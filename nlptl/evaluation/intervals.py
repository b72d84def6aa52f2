"""95 % percentile intervals: Efron & Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nlptl.core.checks import within
from nlptl.core.config import MAX_BOOTSTRAP
from nlptl.core.records import Interval
from nlptl.evaluation.formulas import Floats

PERCENTILES = (2.5, 97.5)


class Resampling(NamedTuple):
    """How rows are resampled."""

    n_bootstrap: int
    """Resamples behind each interval."""
    seed: int

    @staticmethod
    def of(n_bootstrap: int, seed: int) -> "Resampling":
        """Returns the resampling, checked.

        Raises:
            InputError: `n_bootstrap` is below 1 or above `MAX_BOOTSTRAP`.
        """
        within("n_bootstrap", n_bootstrap, 1, MAX_BOOTSTRAP)
        return Resampling(n_bootstrap, seed)


def interval(value: float, draws: Sequence[Floats]) -> Interval:
    """Returns the percentile interval, widened to hold the value, which one-row classes can push out.

    Args:
        value: of all rows.
        draws: values of the resamples, in portions.
    """
    low, high = np.percentile(np.concatenate(draws), PERCENTILES)
    return Interval(value, min(float(low), value), max(float(high), value))
