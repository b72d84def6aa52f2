"""Several labels per row: each label of each row is a binary decision.

Macro averages are over all labels of the label space, as in scikit-learn and torchmetrics for several labels: a label
that no row has and no row is predicted to have counts as 0.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from nlptl.core.errors import InputError
from nlptl.core.plain import Decision
from nlptl.core.probabilities import tempered_each
from nlptl.core.records import LabelSpace
from nlptl.evaluation import decisions, ratios, temperature
from nlptl.evaluation.best import best_f1
from nlptl.evaluation.confusion import class_ids
from nlptl.evaluation.formulas import Metric
from nlptl.evaluation.kind import Kind, Undecided
from nlptl.evaluation.label_errors import Issue, likely_errors_of_several
from nlptl.evaluation.ratios import Floats
from nlptl.evaluation.rowwise import ByRow, Counted
from nlptl.evaluation.views import Graded, Seen, Stated, Views

METRICS: dict[str, Metric] = {
    "micro_f1": Metric(decisions.micro_f1),
    "macro_f1": Metric(decisions.macro_f1),
    "micro_precision": Metric(decisions.micro_precision),
    "micro_recall": Metric(decisions.micro_recall),
    "macro_precision": Metric(decisions.macro_precision),
    "macro_recall": Metric(decisions.macro_recall),
    "subset_accuracy": Metric(decisions.share_right),
}


def count(references: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]], labels: LabelSpace) -> Counted:
    """Returns the true positives, predicted and labelled labels of each row.

    Args:
        references: label names, any number per row.
        predictions: label names, any number per row.
        labels: the label space.

    Raises:
        InputError: a row is one text instead of several, or a name is not in the label space.
    """
    labelled, predicted = indicators(references, labels, "references"), indicators(predictions, labels, "predictions")
    right = np.all(labelled == predicted, axis=1)
    statistics = decisions.table(labelled * predicted, predicted, labelled, right, np.ones(len(right)))
    return Counted(statistics, tuple(METRICS), ratios.by_class(labels.names, *decisions.by_class(statistics.sum(0))))


def indicators(rows: Sequence[Sequence[str]], labels: LabelSpace, what: str) -> Floats:
    """Returns 1 for each label that a row has, else 0, (n, classes).

    Args:
        rows: label names, any number per row.
        labels: the label space.
        what: name of the rows in error messages, such as "references".

    Raises:
        InputError: a row is one text instead of several, or a name is not in the label space.
    """
    matrix = np.zeros((len(rows), len(labels.names)))
    for i, names in enumerate(rows):
        if isinstance(names, str):
            raise InputError(f"{what}[{i}] is {names!r}, expected several labels, such as ({names!r},)")
        matrix[i, class_ids(names, labels, f"{what}[{i}]")] = 1
    return matrix


def decide(rows: Undecided) -> Decision:
    """Returns {"thresholds": {label: probability}}, each with the highest F1 for its label; "temperature" if wanted.

    A label that no row has gets the common threshold with the highest micro F1. Thresholds are chosen on scores without
    the temperature and then put on the same scale as the scores, so that it changes no prediction.

    Args:
        rows: labelled rows of validation.
    """
    scores, targets = rows.scores, indicators(rows.references, rows.labels, "references")
    thresholds, decision = _thresholds(scores, targets > 0), Decision()
    if rows.wanted.calibration == "temperature":
        decision["temperature"] = temperature.of_each(scores, targets)
        thresholds = tempered_each(thresholds, decision["temperature"])
    decision["thresholds"] = dict(zip(rows.labels.names, thresholds.tolist(), strict=True))
    return decision


def _thresholds(scores: Floats, right: npt.NDArray[np.bool_]) -> Floats:
    common = best_f1(scores.ravel(), right.ravel())
    columns = zip(scores.T, right.T, strict=True)
    return np.array([best_f1(column, hits) if hits.any() else common for column, hits in columns])


def _ids(answer: Sequence[str], labels: LabelSpace) -> list[int]:
    return [int(name in answer) for name in labels.names]


KIND = Kind(ByRow(METRICS, count), decide=decide, targets=indicators, is_several=True, ids=_ids)


def _grade(rows: Seen) -> Graded:
    """Grades by micro F1; a row is as wrong as its surest wrong decision."""
    hits, predicted, labelled = decisions.by_class(count(rows.references, rows.decisions, rows.labels).statistics)
    wrong = (labelled + predicted - 2 * hits).astype(bool)  # (n, classes)
    sure = wrong.astype(np.float64)
    if rows.scores is not None:
        sure = np.where(wrong, np.abs(rows.scores - labelled), 0.0)
    above, below = 2 * hits.sum(1), predicted.sum(1) + labelled.sum(1)
    return Graded("micro_f1", above, below, sure.max(1), "the most confident first", "wrong by")


def _groups(rows: Seen) -> list[Sequence[str]]:
    return [tuple(names) or ("(no label)",) for names in rows.references]


def _said(names: Iterable[str]) -> str:
    return ", ".join(names) or "(no label)"


def _stated(rows: Seen) -> Stated | None:
    if rows.scores is None:
        return None
    has = indicators(rows.references, rows.labels, "labels") > 0
    return Stated(rows.scores.ravel(), has.ravel(), "labels of rows", decided=False)


def _issues(rows: Seen) -> list[Issue]:
    if rows.scores is None:
        return []
    has = indicators(rows.references, rows.labels, "labels") > 0
    return likely_errors_of_several(rows.scores, has, rows.labels.names)


VIEWS = Views(_grade, _groups, _said, _stated, _issues, finds_issues=True)
