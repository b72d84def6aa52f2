"""What evaluation says of one split, and of two sets of predictions for it."""

import dataclasses
from collections.abc import Iterable, Sequence

from nlptl.core.errors import InputError
from nlptl.core.records import Interval, LabelSpace, Prediction, Scores
from nlptl.evaluation import kinds, listing, measures
from nlptl.evaluation.intervals import Resampling
from nlptl.evaluation.rows import Rows


def score(
    output: str,
    references: Sequence[object],
    predictions: Iterable[Prediction],
    labels: LabelSpace,
    *,
    n_bootstrap: int,
    seed: int,
    only: Sequence[str] | None = None,
) -> Scores:
    """Returns the metrics with 95 % intervals; the table by class and the confusion matrix if answers have classes.

    per_class is of labels, or of the types of entities; confusion only of one label a row.

    Args:
        output: the kind of answers.
        references: the labels, as `Example.label`.
        predictions: of the same rows, in the same order; metrics of scores are left out if some have none.
        labels: the label space; of one label a row, mae and quadratic_kappa need numbers behind its labels.
        n_bootstrap: resamples behind each interval, 100,000 at most.
        seed: of the resampling.
        only: names of the metrics, and dotted names of own ones; None for all of the kind.

    Raises:
        InputError: there are no rows, the lengths differ, a row is not of the kind's form, or `n_bootstrap` is out of
            range.
    """
    resampling = Resampling.of(n_bootstrap, seed)
    rows = Rows.of(output, references, predictions, labels)
    found = kinds.of(output).measured.score(rows, resampling, only)
    more = measures.intervals(listing.measures(rows, only), len(references), resampling)
    return dataclasses.replace(found, metrics=found.metrics | more)


def values(
    output: str,
    references: Sequence[object],
    predictions: Iterable[Prediction],
    labels: LabelSpace,
    only: Sequence[str] | None = None,
) -> dict[str, float]:
    """Returns the metrics without intervals, by name; nothing is resampled.

    Args:
        output: the kind of answers.
        references: as in `score`.
        predictions: as in `score`.
        labels: the label space.
        only: as in `score`.

    Raises:
        InputError: there are no rows, the lengths differ, or a row is not of the kind's form.
    """
    rows = Rows.of(output, references, predictions, labels)
    found = kinds.of(output).measured.values(rows, only)
    more = listing.measures(rows, only)
    return found | {name: measure.value(len(references)) for name, measure in more.items()}


def paired_difference(
    output: str,
    references: Sequence[object],
    a: Iterable[Prediction],
    b: Iterable[Prediction],
    labels: LabelSpace,
    metric: str,
    *,
    n_bootstrap: int,
    seed: int,
) -> Interval:
    """Returns metric(a) - metric(b) with its 95 % interval, both measured on the same resampled rows.

    Args:
        output: the kind of answers.
        references: the labels, as `Example.label`.
        a: predictions of one model, in the same order.
        b: predictions of the other model.
        labels: the label space.
        metric: a metric of the kind, or the dotted name of an own one.
        n_bootstrap: resamples, 100,000 at most.
        seed: of the resampling.

    Raises:
        InputError: there are no rows, lengths differ, a row is not of the kind's form, or the rows do not have the
            metric.
    """
    resampling = Resampling.of(n_bootstrap, seed)
    first, second = (Rows.of(output, references, predictions, labels) for predictions in (a, b))
    measured = kinds.of(output).measured
    if metric in measured.metrics:
        return measured.difference(first, second, metric, resampling)
    return measures.difference((_measure(first, metric), _measure(second, metric)), len(references), resampling)


def _measure(rows: Rows, metric: str) -> measures.Measure:
    rows.check()
    found = listing.measures(rows, [metric])
    if metric not in found:
        raise InputError(f"{metric} is not measured on these rows: it is of other answers, or needs scores")
    return found[metric]
