"""One label per row."""

from collections.abc import Sequence

import numpy as np

from nlptl.core.plain import Decision
from nlptl.core.probabilities import tempered
from nlptl.core.records import LabelSpace
from nlptl.evaluation import abstention, temperature
from nlptl.evaluation.confusion import class_ids
from nlptl.evaluation.kind import Kind, Undecided
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


def decide(rows: Undecided) -> Decision:
    """Returns {"temperature": t, "abstain_below": score}, each only if it is wanted.

    Args:
        rows: labelled rows of validation.
    """
    decision = Decision()
    if rows.wanted.calibration == "none" and rows.wanted.abstain is None:
        return decision
    scores, targets = rows.scores, indicators(rows.references, rows.labels, "references")
    if rows.wanted.calibration == "temperature":
        decision["temperature"] = temperature.of_distributions(scores, targets)
        scores = tempered(scores, decision["temperature"])
    if rows.wanted.abstain is not None:
        predicted = indicators([p.prediction for p in rows.predictions], rows.labels, "predictions")
        own, right = (scores * predicted).sum(1), (targets * predicted).sum(1) > 0
        decision["abstain_below"] = abstention.best_score(own, right, rows.wanted.abstain)
    return decision


def _ids(answer: str, labels: LabelSpace) -> int:
    return int(class_ids([answer], labels, "answers")[0])


KIND = Kind(ByConfusion(), decide=decide, targets=indicators, ids=_ids)
