"""The temperature that makes labels likeliest: Guo et al. 2017, "On Calibration of Modern Neural Networks", 4.2."""

from collections.abc import Callable

from nlptl.core.probabilities import log_odds, logs, sigmoid, softmax
from nlptl.evaluation.ratios import Floats

LOWEST, HIGHEST = 0.01, 100.0
UNFITTED = 1.0


def of_distributions(scores: Floats, targets: Floats) -> float:
    """Returns the temperature with the highest likelihood, for one label per row; see `_likeliest`.

    Args:
        scores: the probability of each label, (n, classes); they add up to 1 in each row.
        targets: 1 for the label of a row, else 0, (n, classes).
    """
    by_label = logs(scores)
    beyond = by_label - (by_label * targets).sum(1, keepdims=True)  # 0 for the label of the row
    return _likeliest(lambda inverse: float((softmax(inverse * by_label) * beyond).sum()))


def of_each(scores: Floats, targets: Floats) -> float:
    """Returns the temperature with the highest likelihood, for several labels per row; see `_likeliest`.

    Args:
        scores: the probability of each label, independent of the others, (n, classes).
        targets: 1 for each label that a row has, else 0, (n, classes).
    """
    against = log_odds(scores) * (1 - 2 * targets)  # above 0: the score is on the wrong side of 0.5
    return _likeliest(lambda inverse: float((sigmoid(inverse * against) * against).sum()))


def _likeliest(slope: Callable[[float], float]) -> float:
    """Returns the temperature, from `LOWEST` to `HIGHEST`, at which the slope of the loss is 0.

    The loss, the negative log-likelihood, is convex in 1 / temperature. If every row is correct it falls without end,
    and no temperature is the likeliest: then 1, which leaves the scores as they are.

    Args:
        slope: returns the derivative of the loss by 1 / temperature.
    """
    from scipy.optimize import brentq  # type: ignore[import-untyped]

    if slope(1 / LOWEST) <= 0:
        return UNFITTED
    if slope(1 / HIGHEST) >= 0:
        return HIGHEST
    return 1 / float(brentq(slope, 1 / HIGHEST, 1 / LOWEST, xtol=1e-12))
