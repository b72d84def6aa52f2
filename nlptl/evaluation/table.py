"""Which metrics each output has."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from nlptl.core.errors import InputError
from nlptl.core.records import Interval, LabelSpace, Output, Scores
from nlptl.evaluation import entities, numbers, several, spans, written
from nlptl.evaluation.formulas import Metric, find_metric
from nlptl.evaluation.intervals import Resampling
from nlptl.evaluation.rowwise import ByRow
from nlptl.evaluation.uncertainty import ByConfusion


class Kind(Protocol):
    """How the rows of one output are measured."""

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Its metrics by name."""

    def score(
        self, references: Sequence[Any], predictions: Sequence[Any], labels: LabelSpace, resampling: Resampling
    ) -> Scores:
        """Returns the metrics with intervals, the table by class and the confusion matrix."""

    def values(self, references: Sequence[Any], predictions: Sequence[Any], labels: LabelSpace) -> dict[str, float]:
        """Returns the metrics without intervals."""

    def difference(
        self,
        references: Sequence[Any],
        both: tuple[Sequence[Any], Sequence[Any]],
        labels: LabelSpace,
        metric: str,
        resampling: Resampling,
    ) -> Interval:
        """Returns the first predictions' metric less the second's, on the same resampled rows."""


BY_ROW: dict[Output, ByRow] = {
    "classes": several.KIND,
    "number": numbers.KIND,
    "tags": entities.KIND,
    "span": spans.KIND,
    "text": written.KIND,
}
KINDS: dict[Output, Kind] = {"class": ByConfusion(), **BY_ROW}

METRICS: dict[Output, Mapping[str, Metric]] = {output: kind.metrics for output, kind in KINDS.items()}
"""Formulas by output and name; a name that several outputs share means the same in all of them."""


def find_kind(output: Output) -> Kind:
    """Returns how the rows of an output are measured.

    Raises:
        InputError: there is no such output.
    """
    if output not in KINDS:
        raise InputError(f"unknown output {output!r}; known: {', '.join(KINDS)}")
    return KINDS[output]


def usable(output: Output, labels: LabelSpace) -> tuple[str, ...]:
    """Returns the names of the metrics that are measured whatever the rows are.

    `score` adds those that only some rows have: quadratic_kappa of whole numbers, and of questions, where some have no
    answer, has_answer_exact_match, has_answer_f1 and no_answer_accuracy.

    Args:
        output: the kind of answer.
        labels: the label space; metrics of ordered labels need the numbers behind them.
    """
    ordered = numbers.whole(labels.values) if output == "number" else labels.values is not None
    metrics = find_kind(output).metrics
    return tuple(name for name, metric in metrics.items() if (ordered if metric.ordered else metric.always))


def greater_is_better(name: str) -> bool:
    """Returns whether a larger value of the metric is a better one.

    Args:
        name: a metric of any output.

    Raises:
        InputError: nothing has that name.
    """
    known = {name: metric for metrics in METRICS.values() for name, metric in metrics.items()}
    return find_metric(name, known).greater_is_better
