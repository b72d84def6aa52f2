"""The metrics of predictions for one split, and the difference of two sets of predictions."""

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
    """Returns the metrics with 95 % intervals, the table by class and the confusion matrix.

    per_class is by label or entity type, empty for other kinds; confusion is empty unless a row has one label.

    Args:
        output: the kind of answers.
        references: the labels, see `Example.label`.
        predictions: predictions for the same rows, in the same order; metrics of scores are left out if one has no
            scores.
        labels: the label space; with one label per row, mae and quadratic_kappa need ordered labels.
        n_bootstrap: resamples for each interval, at most 100,000.
        seed: seed of the resampling.
        only: names of metrics, also dotted names of the user's own; None for all of the kind.

    Raises:
        InputError: there are no rows, the lengths differ, a row is not of the kind's form, or `n_bootstrap` is out of
            range.
    """
    resampling = Resampling.of(n_bootstrap, seed)
    rows = Rows.of(output, references, predictions, labels)
    scores = kinds.of(output).measured.score(rows, resampling, only)
    more = measures.intervals(listing.measures(rows, only), len(references), resampling)
    return dataclasses.replace(scores, metrics=scores.metrics | more)


def values(
    output: str,
    references: Sequence[object],
    predictions: Iterable[Prediction],
    labels: LabelSpace,
    only: Sequence[str] | None = None,
) -> dict[str, float]:
    """Returns the metrics by name, without intervals.

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
        references: the labels, see `Example.label`.
        a: predictions of one model, in the same order.
        b: predictions of the other model.
        labels: the label space.
        metric: a metric of the kind, or the dotted name of the user's own metric.
        n_bootstrap: resamples, at most 100,000.
        seed: seed of the resampling.

    Raises:
        InputError: there are no rows, lengths differ, a row is not of the kind's form, or the metric cannot be measured
            on these rows.
    """
    resampling = Resampling.of(n_bootstrap, seed)
    first, second = (Rows.of(output, references, predictions, labels) for predictions in (a, b))
    measured = kinds.of(output).measured
    if metric in measured.metrics:
        return measured.difference(first, second, metric, resampling)
    return measures.difference((measure(first, metric), measure(second, metric)), len(references), resampling)


def measure(rows: Rows, metric: str) -> measures.Measure:
    """Returns a metric on rows, one that is not a formula over decisions.

    Raises:
        InputError: there are no rows, or the metric cannot be measured on them.
    """
    rows.check()
    found = listing.measures(rows, [metric])
    if metric not in found:
        raise InputError(f"{metric} is not measured on these rows: it is for other kinds of answers, or needs scores")
    return found[metric]
