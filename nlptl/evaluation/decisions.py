"""Formulas over decisions that are right or wrong: a label of several, an entity.

Sums have the columns hits, predicted and labelled of each class, one class behind the other in each of the three, then
right units and units (rows, or words). Where a ratio has nothing below the line it is 0.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from nlptl.evaluation.formulas import Floats, ratio

N_UNITS = 2  # columns behind those of the classes


def table(hits: Floats, predicted: Floats, labelled: Floats, right: npt.ArrayLike, units: npt.ArrayLike) -> Floats:
    """Returns the statistics of each row, (n, 3 * classes + 2).

    Args:
        hits: decisions that are right, by class, (n, classes).
        predicted: decisions that were made, by class, (n, classes).
        labelled: decisions that should have been made, by class, (n, classes).
        right: units that are right, (n,).
        units: units, (n,).
    """
    return np.column_stack([hits, predicted, labelled, right, units]).astype(np.float64)


def micro_precision(sums: Floats) -> Floats:
    """Returns the share of right decisions among those made, (...)."""
    hits, predicted, _ = _by_class(sums)
    return ratio(hits.sum(-1), predicted.sum(-1))


def micro_recall(sums: Floats) -> Floats:
    """Returns the share of right decisions among those that should have been made, (...)."""
    hits, _, labelled = _by_class(sums)
    return ratio(hits.sum(-1), labelled.sum(-1))


def micro_f1(sums: Floats) -> Floats:
    """Returns the harmonic mean of micro precision and micro recall, (...)."""
    hits, predicted, labelled = _by_class(sums)
    return ratio(2 * hits.sum(-1), predicted.sum(-1) + labelled.sum(-1))


def macro_precision(sums: Floats) -> Floats:
    """Returns the mean precision of all classes, (...)."""
    return _macro(_precision(sums))


def macro_recall(sums: Floats) -> Floats:
    """Returns the mean recall of all classes, (...)."""
    return _macro(_recall(sums))


def macro_f1(sums: Floats) -> Floats:
    """Returns the mean F1 of all classes, (...)."""
    return _macro(_f1(sums))


def share_right(sums: Floats) -> Floats:
    """Returns the share of right units, (...)."""
    return ratio(sums[..., -2], sums[..., -1])


def per_class(sums: Floats, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Returns precision, recall, f1 and support (decisions that should have been made) by class.

    Args:
        sums: over all rows, (k,).
        names: of the classes, in the order of the columns.
    """
    columns = zip(names, _precision(sums), _recall(sums), _f1(sums), _by_class(sums)[2], strict=True)
    return {
        name: {"precision": float(p), "recall": float(r), "f1": float(f), "support": int(n)}
        for name, p, r, f, n in columns
    }


def _precision(sums: Floats) -> Floats:
    hits, predicted, _ = _by_class(sums)
    return ratio(hits, predicted)


def _recall(sums: Floats) -> Floats:
    hits, _, labelled = _by_class(sums)
    return ratio(hits, labelled)


def _f1(sums: Floats) -> Floats:
    hits, predicted, labelled = _by_class(sums)
    return ratio(2 * hits, predicted + labelled)


def _macro(by_class: Floats) -> Floats:
    mean: Floats = by_class.mean(-1)
    return mean


def _by_class(sums: Floats) -> tuple[Floats, Floats, Floats]:
    hits, predicted, labelled = np.split(sums[..., :-N_UNITS], 3, axis=-1)  # (..., classes) each
    return hits, predicted, labelled
