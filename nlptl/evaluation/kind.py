"""What evaluation needs for a kind of answers; each kind has a file in nlptl/evaluation/kinds."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from nlptl.core.config import EvalConfig
from nlptl.core.errors import InputError
from nlptl.core.plain import Decision
from nlptl.core.records import Interval, LabelSpace, Prediction, Scores
from nlptl.evaluation.formulas import Metric
from nlptl.evaluation.intervals import Resampling
from nlptl.evaluation.permutations import Permutations, Permuted
from nlptl.evaluation.ratios import Floats


@dataclass(frozen=True)
class Answered:
    """Labels and predicted answers of the same rows; their types depend on the kind of answers."""

    references: Sequence[Any]
    """The labels, see `Example.label`."""
    decisions: Sequence[Any]
    """The predictions, see `Prediction.prediction`."""
    labels: LabelSpace


@dataclass(frozen=True)
class Undecided:
    """Labelled rows of validation, on which decisions are fitted; the types depend on the kind of answers."""

    references: Sequence[Any]
    """The labels, see `Example.label`."""
    predictions: Sequence[Prediction]
    """Predictions for the same rows, made without a decision."""
    labels: LabelSpace
    wanted: EvalConfig
    """Says whether scores are calibrated, and whether the model abstains."""

    @property
    def scores(self) -> Floats:
        """The score of each label, (n, classes).

        Raises:
            InputError: a prediction lacks the score of a label.
        """
        if any(name not in p.scores for p in self.predictions for name in self.labels.names):
            raise InputError("decisions need a score for each label, which the task's predictions lack")
        return np.array([[p.scores[name] for name in self.labels.names] for p in self.predictions])


class Measured(Protocol):
    """Computes the metrics of decisions."""

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The metrics by name."""

    def score(self, rows: Answered, resampling: Resampling, only: Collection[str] | None = None) -> Scores:
        """Returns metrics (all, or those in `only`) with intervals, the table by class, the confusion matrix."""

    def values(self, rows: Answered, only: Collection[str] | None = None) -> dict[str, float]:
        """Returns the metrics without intervals."""

    def difference(self, first: Answered, second: Answered, metric: str, resampling: Resampling) -> Interval:
        """Returns metric(first) - metric(second) with its interval; both answer the same rows, resampled alike."""

    def permuted(self, first: Answered, second: Answered, metric: str, permutations: Permutations) -> Permuted:
        """Returns metric(first) - metric(second), and the same after their answers to some rows were exchanged."""


def _has_values(labels: LabelSpace) -> bool:
    return labels.values is not None


def _nothing(rows: Undecided) -> Decision:
    return {}


@dataclass(frozen=True)
class Kind:
    """The functions of evaluation for one kind of answers."""

    measured: Measured
    """Computes the metrics of decisions."""
    is_ordered: Callable[[LabelSpace], bool] = _has_values
    """Whether metrics for ordered labels apply."""
    decide: Callable[[Undecided], Decision] = _nothing
    """Fits what decisions need on rows of validation; it is stored in the artifact."""
    targets: Callable[[Sequence[Any], LabelSpace, str], Floats] | None = None
    """Returns 1 for each label that a row has, else 0, (n, classes), from answers; None if scores are not per label.
    The last argument is the name of the answers in error messages."""
    is_several: bool = False
    """Whether each label has its own probability, independent of the others."""
    ids: Callable[[Any, LabelSpace], int | list[int]] | None = None
    """Converts an answer to class ids, for metrics that need them; None if answers have none."""
