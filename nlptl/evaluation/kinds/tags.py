"""BIO tags: an entity is correct if its first word, its last word and its type are correct.

Entities are read by nlptl/core/bio.py, as conlleval and seqeval do.
"""

from collections.abc import Sequence

import numpy as np

from nlptl.core import bio
from nlptl.core.errors import InputError
from nlptl.core.records import LabelSpace
from nlptl.evaluation import decisions, ratios
from nlptl.evaluation.confusion import class_ids
from nlptl.evaluation.formulas import Metric
from nlptl.evaluation.kind import Kind
from nlptl.evaluation.rowwise import ByRow, Counted

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
