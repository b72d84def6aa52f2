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
    answered: Floats | None = None
    """1 for rows that the model answers, 0 for those from which it abstains, (n,); None if it never abstains."""

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
        decisions, scores, abstained = [], array("d"), []
        for prediction in predictions:
            decisions.append(prediction.prediction)
            abstained.append(prediction.abstained)
            scored = scored and all(name in prediction.scores for name in labels.names)
            if scored:
                scores.extend(prediction.scores[name] for name in labels.names)
        matrix = np.frombuffer(scores).reshape(-1, len(labels.names)) if scored and decisions else None
        answered = None if None in abstained or not abstained else 1 - np.array(abstained, np.float64)
        return Rows(references, decisions, labels, output, matrix, answered)

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
        return self._indicators(self.references, "references")

    def _indicators(self, answers: Sequence[object], what: str) -> Floats:
        indicators = kinds.of(self.output).targets
        if indicators is None:
            raise InputError(f"answers of the kind {self.output!r} have no score for each label")
        return indicators(answers, self.labels, what)

    @cached_property
    def ranked(self) -> Ranked:
        """The rows sorted by score, for each label."""
        return Ranked(self.known_scores, self.targets > 0)

    @cached_property
    def right(self) -> Floats:
        """1 for each row whose one label is the predicted one, else 0, (n,)."""
        right: Floats = (self.targets * self._predicted).sum(1)
        return right

    @cached_property
    def own_scores(self) -> Floats:
        """Score of the predicted label of each row, (n,)."""
        scores: Floats = (self.known_scores * self._predicted).sum(1)
        return scores

    @cached_property
    def _predicted(self) -> Floats:
        return self._indicators(self.decisions, "predictions")

    @property
    def known_answered(self) -> Floats:
        """Which rows are answered.

        Raises:
            InputError: the model never abstains.
        """
        if self.answered is None:
            raise InputError("the model never abstains: train it with eval.abstain")
        return self.answered

    @property
    def known_scores(self) -> Floats:
        """The scores.

        Raises:
            InputError: some predictions have no scores.
        """
        if self.scores is None:
            raise InputError("some predictions have no scores, which this metric needs")
        return self.scores
