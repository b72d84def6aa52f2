"""What is tuned on validation and becomes part of the model."""

from collections.abc import Sequence

from nlptl.core.plain import Decision
from nlptl.core.records import LabelSpace, Prediction
from nlptl.evaluation import kinds


def decide(
    output: str, references: Sequence[object], predictions: Sequence[Prediction], labels: LabelSpace
) -> Decision:
    """Returns what suits these rows best, as JSON, such as thresholds; {} if the kind of answers decides nothing.

    What it is stands in the kind's file: nlptl/evaluation/kinds/classes.py, and span.py.

    Args:
        output: the kind of answers.
        references: the labels.
        predictions: of the same rows, made with any earlier decision.
        labels: the label space.
    """
    return kinds.of(output).decide(references, predictions, labels)
