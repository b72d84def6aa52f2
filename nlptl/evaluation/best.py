"""The threshold with the highest F1 on some rows."""

import numpy as np
import numpy.typing as npt

from nlptl.evaluation.ratios import Floats

UNTUNED = 0.5


def best_f1(scores: Floats, right: npt.NDArray[np.bool_]) -> float:
    """Returns the threshold of scores with the highest F1, halfway to the next lower score; 0.5 if no row is right.

    Args:
        scores: (n,).
        right: whether the decision is correct if it is made, (n,).
    """
    if not right.any():
        return UNTUNED
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(right[order])
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + hits[-1])
    ends = np.append(ranked[1:] < ranked[:-1], True)  # rows of equal score stay together
    best = int(np.where(ends, f1, -1.0).argmax())
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return float((ranked[best] + below) / 2)


def best_margin(margins: Floats, given: Floats, none: Floats) -> float:
    """Returns the margin above which giving no answer has the highest F1, halfway between two rows.

    Args:
        margins: how much more likely no answer is than the best one, (n,).
        given: what a row earns with its best answer, (n,).
        none: what it earns without one, (n,).
    """
    order = np.argsort(margins, kind="stable")
    # With i rows answered, the i with the lowest margins: their F1, and what declining earns on all others.
    totals = none.sum() + np.append(0.0, np.cumsum(given[order] - none[order]))
    ranked = np.concatenate([[margins.min() - 1], margins[order], [margins.max() + 1]])
    free = ranked[1:] > ranked[:-1]  # rows of equal margin stay together
    n_answered = int(np.where(free, totals, -1.0).argmax())
    return float((ranked[n_answered] + ranked[n_answered + 1]) / 2)
