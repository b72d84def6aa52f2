"""Formulas over binary decisions: whether a row has a label, or whether words are an entity.

Sums are laid out as [hits per class, predicted per class, labelled per class, correct units, units]; a unit is a row or
a word. A ratio whose denominator is 0 is 0.
"""

import numpy as np
import numpy.typing as npt

from nlptl.evaluation import ratios
from nlptl.evaluation.ratios import Floats

N_UNITS = 2  # columns after those for classes


def table(hits: Floats, predicted: Floats, labelled: Floats, right: npt.ArrayLike, units: npt.ArrayLike) -> Floats:
    """Returns the statistics of each row, (n, 3 * classes + 2).

    Args:
        hits: true positives by class, (n, classes).
        predicted: predicted positives by class, (n, classes).
        labelled: positives in the labels by class, (n, classes).
        right: number of correct units, (n,).
        units: number of units, (n,).
    """
    return np.column_stack([hits, predicted, labelled, right, units]).astype(np.float64)


def micro_precision(sums: Floats) -> Floats:
    """Returns the precision over the pooled decisions of all classes, (...)."""
    hits, predicted, _ = by_class(sums)
    return ratios.precision(hits.sum(-1), predicted.sum(-1))


def micro_recall(sums: Floats) -> Floats:
    """Returns the recall over the pooled decisions of all classes, (...)."""
    hits, _, labelled = by_class(sums)
    return ratios.recall(hits.sum(-1), labelled.sum(-1))


def micro_f1(sums: Floats) -> Floats:
    """Returns the harmonic mean of micro precision and micro recall, (...)."""
    return ratios.f1(*(counts.sum(-1) for counts in by_class(sums)))


def macro_precision(sums: Floats) -> Floats:
    """Returns the mean over classes of precision, (...)."""
    hits, predicted, _ = by_class(sums)
    return _mean(ratios.precision(hits, predicted))


def macro_recall(sums: Floats) -> Floats:
    """Returns the mean over classes of recall, (...)."""
    hits, _, labelled = by_class(sums)
    return _mean(ratios.recall(hits, labelled))


def macro_f1(sums: Floats) -> Floats:
    """Returns the mean over classes of F1, (...)."""
    return _mean(ratios.f1(*by_class(sums)))


def share_right(sums: Floats) -> Floats:
    """Returns the share of correct units, (...)."""
    return ratios.ratio(sums[..., -2], sums[..., -1])


def by_class(sums: Floats) -> tuple[Floats, Floats, Floats]:
    """Returns hits, predicted and labelled, (..., classes) each."""
    hits, predicted, labelled = np.split(sums[..., :-N_UNITS], 3, axis=-1)
    return hits, predicted, labelled


def _mean(values: Floats) -> Floats:
    mean: Floats = values.mean(-1)
    return mean
