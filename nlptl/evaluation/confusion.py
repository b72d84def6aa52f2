"""Converts label names to class ids, and class ids to a confusion matrix."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from nlptl.core.errors import InputError, nearest
from nlptl.core.records import LabelSpace

Ids = npt.NDArray[np.int64]


def class_ids(names: Sequence[str | None], labels: LabelSpace, what: str) -> Ids:
    """Returns the class ids of label names, int64 (n,).

    Args:
        names: one label name per row; None (no label) is an error.
        labels: the label space.
        what: name of the rows in error messages, such as "references".

    Raises:
        InputError: a name is not in the label space.
    """
    index: dict[str | None, int] = dict(labels.ids.items())  # a reference may be None
    unknown = next((i for i, name in enumerate(names) if name not in index), None)
    if unknown is not None:
        name = names[unknown]
        hint = nearest(str(name), labels.names)
        raise InputError(
            f"{what}[{unknown}] is {name!r}, which is not a label{hint}; labels: {', '.join(labels.names)}"
        )
    return np.array([index[name] for name in names], dtype=np.int64)


def paired_ids(references: Sequence[str], predictions: Sequence[str], labels: LabelSpace) -> tuple[Ids, Ids]:
    """Returns the class ids of references and of predictions, int64 (n,) each.

    Args:
        references: the labels, by name.
        predictions: the predicted labels, by name, in the same order.
        labels: the label space.

    Raises:
        InputError: there are no rows, the lengths differ, or a name is not in the label space.
    """
    check_rows(len(references), len(predictions))
    return class_ids(references, labels, "references"), class_ids(predictions, labels, "predictions")


def check_rows(n_references: int, n_predictions: int) -> None:
    """Checks that there are rows, and one prediction per label.

    Args:
        n_references: number of labels.
        n_predictions: number of predictions.

    Raises:
        InputError: there are no rows, or the two numbers differ.
    """
    if n_references != n_predictions:
        raise InputError(f"expected one prediction for each reference, found {n_predictions} for {n_references}")
    if n_references == 0:
        raise InputError("expected at least one row to evaluate, found none")


def confusion_matrix(references: Ids, predictions: Ids, n_classes: int) -> Ids:
    """Returns the counts of each pair of label (row) and prediction (column), int64 (n_classes, n_classes).

    Args:
        references: class ids, (n,).
        predictions: class ids, (n,).
        n_classes: size of the label space.

    Raises:
        InputError: a class id is outside the label space.
    """
    for what, ids in (("references", references), ("predictions", predictions)):
        outside = np.flatnonzero((ids < 0) | (ids >= n_classes))
        if len(outside):
            found = f"{what}[{outside[0]}] is {ids[outside[0]]}"
            raise InputError(f"expected class ids from 0 to {n_classes - 1}; {found}")
    cells = np.bincount(references * n_classes + predictions, minlength=n_classes**2)
    return cells.reshape(n_classes, n_classes)
