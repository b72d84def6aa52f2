"""Several labels a row: each label of each row is a decision.

Macro averages run over all labels of the label space, as those of scikit-learn and torchmetrics do for several labels:
one that is neither predicted nor right anywhere counts 0.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nlptl.core.errors import InputError
from nlptl.core.records import LabelSpace
from nlptl.evaluation import decisions
from nlptl.evaluation.confusion import class_ids
from nlptl.evaluation.formulas import Floats, Metric
from nlptl.evaluation.rowwise import ByRow, Counted

METRICS: dict[str, Metric] = {
    "micro_f1": Metric(decisions.micro_f1),
    "macro_f1": Metric(decisions.macro_f1),
    "micro_precision": Metric(decisions.micro_precision),
    "micro_recall": Metric(decisions.micro_recall),
    "macro_precision": Metric(decisions.macro_precision),
    "macro_recall": Metric(decisions.macro_recall),
    "subset_accuracy": Metric(decisions.share_right),
}


def count(references: Sequence[Any], predictions: Sequence[Any], labels: LabelSpace) -> Counted:
    """Returns which labels of each row are right, predicted and hit.

    Args:
        references: label names, any number a row.
        predictions: label names, any number a row.
        labels: the label space.

    Raises:
        InputError: a row is one text instead of several, or a name is not in the label space.
    """
    labelled, predicted = indicators(references, labels, "references"), indicators(predictions, labels, "predictions")
    right = np.all(labelled == predicted, axis=1)
    statistics = decisions.table(labelled * predicted, predicted, labelled, right, np.ones(len(right)))
    return Counted(statistics, tuple(METRICS), decisions.per_class(statistics.sum(0), labels.names))


def indicators(rows: Sequence[Sequence[str]], labels: LabelSpace, what: str) -> Floats:
    """Returns 1 where a row has a label and 0 elsewhere, (n, classes).

    Args:
        rows: label names, any number a row.
        labels: the label space.
        what: how an error calls the rows, such as "references".

    Raises:
        InputError: a row is one text instead of several, or a name is not in the label space.
    """
    found = np.zeros((len(rows), len(labels.names)))
    for i, names in enumerate(rows):
        if isinstance(names, str):
            raise InputError(f"{what}[{i}] is {names!r}, expected several labels, such as ({names!r},)")
        found[i, class_ids(names, labels, f"{what}[{i}]")] = 1
    return found


KIND = ByRow(METRICS, count)
