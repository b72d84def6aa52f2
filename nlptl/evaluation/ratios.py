"""Precision, recall and F1 from counts of decisions."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def ratio(above: Floats, below: Floats) -> Floats:
    """Returns above / below; 0 if below is 0."""
    return np.divide(above, below, out=np.zeros_like(above, dtype=np.float64), where=below != 0)


def precision(hits: Floats, predicted: Floats) -> Floats:
    """Returns hits / predicted."""
    return ratio(hits, predicted)


def recall(hits: Floats, labelled: Floats) -> Floats:
    """Returns hits / labelled."""
    return ratio(hits, labelled)


def f1(hits: Floats, predicted: Floats, labelled: Floats) -> Floats:
    """Returns the harmonic mean of precision and recall."""
    return ratio(2 * hits, predicted + labelled)


def by_class(names: Sequence[str], hits: Floats, predicted: Floats, labelled: Floats) -> dict[str, dict[str, float]]:
    """Returns precision, recall, f1 and support (positives in the labels) by class.

    Args:
        names: names of the classes.
        hits: true positives, (classes,).
        predicted: predicted positives, (classes,).
        labelled: positives in the labels, (classes,).
    """
    columns = precision(hits, predicted), recall(hits, labelled), f1(hits, predicted, labelled), labelled
    return {
        name: {"precision": float(p), "recall": float(r), "f1": float(f), "support": int(n)}
        for name, p, r, f, n in zip(names, *columns, strict=True)
    }
