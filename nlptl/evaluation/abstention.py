"""The score below which a model abstains, so that enough of its other answers are correct.

It is the lowest score of validation at which the accuracy of the answered rows has a one-sided 95 % lower bound
(Clopper and Pearson 1934) that reaches the target. With the accuracy itself in place of the bound, new rows miss the
target for half of the validation sets. The bound is for one score, and the lowest of many is taken, so new rows miss
the target for a little more than 5 %: in simulations for 3 to 7 %, for up to 11 % if scores tell nothing. Geifman and
El-Yaniv 2017 ("Selective Classification for Deep Neural Networks", algorithm 1) share the 5 % among the steps of their
search; that missed it for 1 %, but answered 37 % of the rows in place of 53 %, and often none with 300 validation rows.
"""

import math

import numpy as np
import numpy.typing as npt

from nlptl.evaluation.ratios import Floats

DOUBT = 0.05
FROM_ALL = 2.0
"""A score that no row has: the model abstains from all rows."""


def best_score(scores: Floats, right: npt.NDArray[np.bool_], target: float) -> float:
    """Returns the lowest score at which enough of the answered rows are correct, halfway to the next lower one.

    `FROM_ALL` if no score is enough.

    Args:
        scores: score of each row's predicted label, (n,).
        right: whether it is the label of the row, (n,).
        target: the share of answered rows that must be correct.
    """
    falling, of_row = np.unique(-scores, return_inverse=True)  # rows with equal scores stay together
    n_answered = np.cumsum(np.bincount(of_row))
    n_right = np.cumsum(np.bincount(of_row, right))
    enough = np.flatnonzero(lower_bounds(n_right, n_answered) >= target)
    if not len(enough):
        return FROM_ALL
    lowest = int(enough[-1])
    below = falling[lowest + 1] if lowest + 1 < len(falling) else 0.0
    return float(-(falling[lowest] + below) / 2)


def least_rows(target: float) -> int:
    """Returns how many answered rows are needed to reach the target if all of them are correct."""
    return math.ceil(math.log(DOUBT) / math.log(target) - 1e-9)


def lower_bounds(n_right: npt.ArrayLike, n: npt.ArrayLike) -> Floats:
    """Returns the shares that are exceeded with 95 % confidence (Clopper and Pearson 1934, one-sided), (...).

    Args:
        n_right: numbers of correct rows, (...).
        n: numbers of rows, (...).
    """
    from scipy.stats import beta  # type: ignore[import-untyped]

    right = np.asarray(n_right, np.float64)
    bounds = beta.ppf(DOUBT, np.maximum(right, 1), np.asarray(n) - right + 1)
    return np.where(right > 0, bounds, 0.0)
