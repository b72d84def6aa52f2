"""One label per row."""

from collections.abc import Sequence

import numpy as np

from nlptl.core.plain import Decision
from nlptl.core.probabilities import tempered
from nlptl.core.records import LabelSpace
from nlptl.evaluation import abstention, temperature
from nlptl.evaluation.confusion import class_ids
from nlptl.evaluation.kind import Kind, Undecided
from nlptl.evaluation.label_errors import Issue, likely_errors
from nlptl.evaluation.ratios import Floats
from nlptl.evaluation.uncertainty import ByConfusion
from nlptl.evaluation.views import Graded, Seen, Stated, Views


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


def _grade(rows: Seen) -> Graded:
    right = _right(rows)
    sure = _confidence(rows)
    wrong = np.where(right, 0.0, np.ones(len(right)) if sure is None else sure)
    measure = "" if sure is None else "probability"
    return Graded("accuracy", right.astype(np.float64), np.ones(len(right)), wrong, "the most confident first", measure)


def _right(rows: Seen) -> np.ndarray:
    return np.array([a == b for a, b in zip(rows.references, rows.decisions, strict=True)], bool)


def _confidence(rows: Seen) -> Floats | None:
    """Returns the probability of each predicted label; None if one is missing."""
    sure = [p.scores.get(p.prediction) for p in rows.predictions]
    return None if None in sure else np.array(sure, np.float64)


def _groups(rows: Seen) -> list[tuple[str, ...]]:
    return [(label,) for label in rows.references]


def _stated(rows: Seen) -> Stated | None:
    sure = _confidence(rows)
    return None if sure is None else Stated(sure, _right(rows), "rows")


def _issues(rows: Seen) -> list[Issue]:
    if rows.scores is None:
        return []
    return likely_errors(rows.scores, class_ids(rows.references, rows.labels, "labels"), rows.labels.names)


VIEWS = Views(_grade, _groups, str, _stated, _issues, finds_issues=True)
