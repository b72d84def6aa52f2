"""What evaluation must know of a kind of answers; nlptl/evaluation/kinds has a file for each."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from nlptl.core.plain import Decision
from nlptl.core.records import Interval, LabelSpace, Prediction, Scores
from nlptl.evaluation.formulas import Metric
from nlptl.evaluation.intervals import Resampling
from nlptl.evaluation.ratios import Floats


@dataclass(frozen=True)
class Answered:
    """Labelled rows with the answers that were given for them; which types both have follows from their kind."""

    references: Sequence[Any]
    """The labels, as `Example.label`."""
    decisions: Sequence[Any]
    """As `Prediction.prediction`."""
    labels: LabelSpace


class Measured(Protocol):
    """How decisions are measured."""

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The metrics by name."""

    def score(self, rows: Answered, resampling: Resampling, only: Collection[str] | None = None) -> Scores:
        """Returns the metrics (only those named, if some are) with intervals, the table by class and the confusion."""

    def values(self, rows: Answered, only: Collection[str] | None = None) -> dict[str, float]:
        """Returns the metrics without intervals."""

    def difference(self, first: Answered, second: Answered, metric: str, resampling: Resampling) -> Interval:
        """Returns the first answers' metric minus the second's, on the same resampled rows; both have the same rows."""


def _has_values(labels: LabelSpace) -> bool:
    return labels.values is not None


def _nothing(references: Sequence[object], predictions: Sequence[Prediction], labels: LabelSpace) -> Decision:
    return {}


@dataclass(frozen=True)
class Kind:
    """What evaluation does with one kind of answers."""

    measured: Measured
    """How decisions are measured."""
    is_ordered: Callable[[LabelSpace], bool] = _has_values
    """Whether metrics of ordered labels are measured."""
    decide: Callable[[Sequence[Any], Sequence[Prediction], LabelSpace], Decision] = _nothing
    """What is tuned on validation and stored in the artifact, such as thresholds: from references and predictions."""
    targets: Callable[[Sequence[Any], LabelSpace, str], Floats] | None = None
    """From answers, 1 for each label that a row has, else 0, (n, classes); None if scores are not of labels. The last
    argument is how an error calls the answers."""
    is_several: bool = False
    """Whether each label has a probability of its own."""
    ids: Callable[[Any, LabelSpace], int | list[int]] | None = None
    """An answer as whole numbers, for metrics that want these; None if it cannot be written so."""
