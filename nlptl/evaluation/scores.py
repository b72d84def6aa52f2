"""What evaluation says of one split, and of two sets of predictions for it."""

from collections.abc import Sequence
from typing import Any

from nlptl.core.records import Interval, LabelSpace, Output, Scores
from nlptl.evaluation.intervals import Resampling
from nlptl.evaluation.table import find_kind


def score(
    output: Output,
    references: Sequence[Any],
    predictions: Sequence[Any],
    labels: LabelSpace,
    *,
    n_bootstrap: int,
    seed: int,
) -> Scores:
    """Returns the metrics with 95 % intervals; the table by class and the confusion matrix where answers have classes.

    per_class is of labels, or of the types of entities; confusion only of one label a row.

    Args:
        output: the kind of answer.
        references: what is right, as `Example.label`.
        predictions: as `Prediction.prediction`, in the same order.
        labels: the label space; of one label a row, mae and quadratic_kappa need numbers behind its labels.
        n_bootstrap: resamples behind each interval, 100,000 at most.
        seed: of the resampling.

    Raises:
        InputError: there are no rows, the lengths differ, a row is not of the output's form, or `n_bootstrap` is out
            of range.
    """
    return find_kind(output).score(references, predictions, labels, Resampling.of(n_bootstrap, seed))


def values(
    output: Output, references: Sequence[Any], predictions: Sequence[Any], labels: LabelSpace
) -> dict[str, float]:
    """Returns the metrics without intervals, by name; nothing is resampled.

    Args:
        output: the kind of answer.
        references: as in `score`.
        predictions: as in `score`.
        labels: the label space.

    Raises:
        InputError: there are no rows, the lengths differ, or a row is not of the output's form.
    """
    return find_kind(output).values(references, predictions, labels)


def paired_difference(
    output: Output,
    references: Sequence[Any],
    a: Sequence[Any],
    b: Sequence[Any],
    labels: LabelSpace,
    metric: str,
    *,
    n_bootstrap: int,
    seed: int,
) -> Interval:
    """Returns metric(a) - metric(b) with its 95 % interval, both measured on the same resampled rows.

    Args:
        output: the kind of answer.
        references: what is right, as `Example.label`.
        a: predictions of one model, in the same order.
        b: predictions of the other model.
        labels: the label space.
        metric: a key of `METRICS[output]`.
        n_bootstrap: resamples, 100,000 at most.
        seed: of the resampling.

    Raises:
        InputError: there are no rows, lengths differ, a row is not of the output's form, or the rows do not have the
            metric.
    """
    return find_kind(output).difference(references, (a, b), labels, metric, Resampling.of(n_bootstrap, seed))
