"""Labelled rows with a model's answers: the input of a metric."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nlptl.core.errors import InputError
from nlptl.core.records import LabelSpace, Prediction
from nlptl.evaluation import kinds
from nlptl.evaluation.confusion import check_rows
from nlptl.evaluation.kind import Answered
from nlptl.evaluation.ranks import Ranked
from nlptl.evaluation.ratios import Floats


@dataclass(frozen=True)
class Rows(Answered):
    """Labelled rows with a model's answers and their scores."""

    output: str
    """The kind of answers."""
    scores: Floats | None
    """Score of each label, (n, classes); None if a prediction lacks the score of a label."""

    @staticmethod
    def of(output: str, references: Sequence[object], predictions: Iterable[Prediction], labels: LabelSpace) -> "Rows":
        """Returns the rows; predictions are read only once and need not all be in memory.

        Args:
            output: the kind of answers.
            references: the labels.
            predictions: predictions for the same rows, in the same order.
            labels: the label space.
        """
        scored = kinds.of(output).targets is not None
        decisions, scores = [], array("d")
        for prediction in predictions:
            decisions.append(prediction.prediction)
            scored = scored and all(name in prediction.scores for name in labels.names)
            if scored:
                scores.extend(prediction.scores[name] for name in labels.names)
        matrix = np.frombuffer(scores).reshape(-1, len(labels.names)) if scored and decisions else None
        return Rows(references, decisions, labels, output, matrix)

    def check(self) -> None:
        """Checks that there are rows, and one answer per label.

        Raises:
            InputError: there are no rows, or the two numbers differ.
        """
        check_rows(len(self.references), len(self.decisions))

    @property
    def is_several(self) -> bool:
        """Whether a row may have any number of labels, each with its own probability."""
        return kinds.of(self.output).is_several

    @cached_property
    def targets(self) -> Floats:
        """1 for each label that a row has, else 0, (n, classes).

        Raises:
            InputError: for this kind of answers, scores are not per label.
        """
        targets = kinds.of(self.output).targets
        if targets is None:
            raise InputError(f"answers of the kind {self.output!r} have no score for each label")
        return targets(self.references, self.labels, "references")

    @cached_property
    def ranked(self) -> Ranked:
        """The rows sorted by score, for each label."""
        return Ranked(self.known_scores, self.targets > 0)

    @property
    def known_scores(self) -> Floats:
        """The scores.

        Raises:
            InputError: some predictions have no scores.
        """
        if self.scores is None:
            raise InputError("some predictions have no scores, which this metric needs")
        return self.scores
