"""BIO tags: an entity is correct if its first word, its last word and its type are correct.

Entities are read by nlptl/core/bio.py, as conlleval and seqeval do.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from nlptl.core import bio
from nlptl.core.errors import InputError
from nlptl.core.records import Example, LabelSpace, Prediction
from nlptl.evaluation import decisions, ratios
from nlptl.evaluation.confusion import class_ids
from nlptl.evaluation.formulas import Metric
from nlptl.evaluation.kind import Kind
from nlptl.evaluation.rowwise import ByRow, Counted
from nlptl.evaluation.views import Graded, Mark, Seen, Stated, Views

METRICS: dict[str, Metric] = {
    "entity_f1": Metric(decisions.micro_f1),
    "entity_precision": Metric(decisions.micro_precision),
    "entity_recall": Metric(decisions.micro_recall),
    "tag_accuracy": Metric(decisions.share_right),
}


def count(references: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]], labels: LabelSpace) -> Counted:
    """Returns for each row the true positive, predicted and labelled entities by type, and the correct tags.

    Args:
        references: a BIO tag for each word of a row.
        predictions: in the same form.
        labels: tags; types that only the references have count too.

    Raises:
        InputError: the numbers of tags in a row differ.
    """
    _check_lengths(references, predictions)
    wanted, found = [set(bio.entities(tags)) for tags in references], [set(bio.entities(tags)) for tags in predictions]
    occurring = {entity.label for row in (*wanted, *found) for entity in row}
    # All types of the label space have columns, so that the tables of two models can be added.
    types = sorted(occurring.union(bio.types_in(labels.names)))
    column = {name: i for i, name in enumerate(types)}
    counts = np.zeros((3, len(wanted), len(types)))  # hits, predicted, labelled
    for row, (a, b) in enumerate(zip(wanted, found, strict=True)):
        for place, entities in enumerate((a & b, b, a)):
            for entity in entities:
                counts[place, row, column[entity.label]] += 1
    hits, predicted, labelled = counts
    right = [sum(x == y for x, y in zip(a, b, strict=True)) for a, b in zip(references, predictions, strict=True)]
    words = [len(tags) for tags in references]
    statistics = decisions.table(hits, predicted, labelled, right, words)
    by_class = ratios.by_class(types, *decisions.by_class(statistics.sum(0)))
    return Counted(statistics, tuple(METRICS), {name: row for name, row in by_class.items() if name in occurring})


def _check_lengths(references: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]]) -> None:
    for i, (wanted, found) in enumerate(zip(references, predictions, strict=True)):
        if len(wanted) != len(found):
            raise InputError(
                f"predictions[{i}] has {len(found)} tags for {len(wanted)} words; each word needs exactly one"
            )


def _ids(answer: Sequence[str], labels: LabelSpace) -> list[int]:
    return [int(i) for i in class_ids(answer, labels, "tags")]


KIND = Kind(ByRow(METRICS, count), ids=_ids)


def _grade(rows: Seen) -> Graded:
    """Grades by the F1 of entities; a row is as wrong as it has entities that only labels or predictions have."""
    sums = count(rows.references, rows.decisions, rows.labels).statistics
    hits, predicted, labelled = (part.sum(1) for part in decisions.by_class(sums))
    wrong = predicted + labelled - 2 * hits
    order = "the most wrong entities first"
    return Graded("entity_f1", 2 * hits, predicted + labelled, wrong, order, "wrong entities")


def _groups(rows: Seen) -> list[Sequence[str]]:
    return [bio.types_in(tags) for tags in rows.references]


def _said(tags: Iterable[str]) -> str:
    found = bio.entities(list(tags))
    places = [f"word {e.first + 1}" if e.first == e.last else f"words {e.first + 1} to {e.last + 1}" for e in found]
    return ", ".join(f"{e.label} ({place})" for e, place in zip(found, places, strict=True)) or "(no entity)"


def _stated(rows: Seen) -> Stated | None:
    """Returns the scores of the predicted entities, and whether the labels have them."""
    sure, right = [], []
    for reference, prediction in zip(rows.references, rows.predictions, strict=True):
        wanted, found = set(bio.entities(reference)), bio.entities(prediction.prediction)
        if len(found) != len(prediction.spans or ()):
            return None
        right += [entity in wanted for entity in found]
        sure += [span["score"] for span in prediction.spans or ()]
    return Stated(np.array(sure, np.float64), np.array(right, bool), "predicted entities") if sure else None


def _marks(example: Example, label: object, prediction: Prediction) -> tuple[list[Mark], list[Mark]]:
    words = example.words or ()
    if not isinstance(label, list | tuple) or not len(label) == len(prediction.prediction) == len(words):
        return [], []
    wanted, found = bio.entities(label), bio.entities(prediction.prediction)
    marks = []
    for entity in sorted({*wanted, *found}, key=lambda e: (e.first, e.last, e.label)):
        sort = "right" if entity in wanted and entity in found else "missed" if entity in wanted else "wrong"
        marks.append(Mark(words[entity.first][0], words[entity.last][1], sort, entity.label))  # type: ignore[arg-type]
    return marks, []


VIEWS = Views(_grade, _groups, _said, _stated, marks=_marks)
