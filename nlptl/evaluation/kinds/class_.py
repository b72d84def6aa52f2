"""One label per row."""

from collections.abc import Sequence

import numpy as np

from nlptl.core.records import LabelSpace
from nlptl.evaluation.confusion import class_ids
from nlptl.evaluation.kind import Kind
from nlptl.evaluation.ratios import Floats
from nlptl.evaluation.uncertainty import ByConfusion


def indicators(rows: Sequence[str], labels: LabelSpace, what: str) -> Floats:
    """Returns 1 for the label of a row, else 0, (n, classes).

    Args:
        rows: label names, one per row.
        labels: the label space.
        what: name of the rows in error messages, such as "references".

    Raises:
        InputError: a name is not in the label space.
    """
    ids = class_ids(rows, labels, what)
    matrix = np.zeros((len(ids), len(labels.names)))
    matrix[np.arange(len(ids)), ids] = 1
    return matrix


def _ids(answer: str, labels: LabelSpace) -> int:
    return int(class_ids([answer], labels, "answers")[0])


KIND = Kind(ByConfusion(), targets=indicators, ids=_ids)
