"""Finds the threshold with the highest F1."""

import numpy as np
import numpy.typing as npt

from nlptl.evaluation.ratios import Floats

UNTUNED = 0.5


def best_f1(scores: Floats, right: npt.NDArray[np.bool_]) -> float:
    """Returns the score threshold with the highest F1, halfway to the next lower score; 0.5 without a positive row.

    Args:
        scores: score of each row, (n,).
        right: whether the target of the row is positive, (n,).
    """
    if not right.any():
        return UNTUNED
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(right[order])
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + hits[-1])
    ends = np.append(ranked[1:] < ranked[:-1], True)  # rows with equal scores stay together
    best = int(np.where(ends, f1, -1.0).argmax())
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return float((ranked[best] + below) / 2)


def best_margin(margins: Floats, given: Floats, none: Floats) -> float:
    """Returns the margin above which giving no answer has the highest F1, halfway between two rows.

    Args:
        margins: log(p(no answer) / p(best answer)) of each row, (n,).
        given: F1 of each row with its best answer, (n,).
        none: F1 of each row with no answer, (n,).
    """
    order = np.argsort(margins, kind="stable")
    # totals[i]: the sum of F1 if the i rows with the lowest margins are answered and all others are not.
    totals = none.sum() + np.append(0.0, np.cumsum(given[order] - none[order]))
    ranked = np.concatenate([[margins.min() - 1], margins[order], [margins.max() + 1]])
    separable = ranked[1:] > ranked[:-1]  # rows with equal margins stay together
    n_answered = int(np.where(separable, totals, -1.0).argmax())
    return float((ranked[n_answered] + ranked[n_answered + 1]) / 2)
