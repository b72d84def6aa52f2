"""Tunes thresholds on validation, which become part of the model."""

from collections.abc import Sequence

from nlptl.core.plain import Decision
from nlptl.core.records import LabelSpace, Prediction
from nlptl.evaluation import kinds


def decide(
    output: str, references: Sequence[object], predictions: Sequence[Prediction], labels: LabelSpace
) -> Decision:
    """Returns the thresholds with the highest F1 on these rows; {} if the kind of answers has none.

    See the kind's file: classes.py and span.py in nlptl/evaluation/kinds.

    Args:
        output: the kind of answers.
        references: the labels.
        predictions: predictions for the same rows, made with any thresholds.
        labels: the label space.
    """
    return kinds.of(output).decide(references, predictions, labels)
