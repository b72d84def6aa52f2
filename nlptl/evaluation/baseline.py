"""Predictions of the baselines; each baseline is a file in nlptl/evaluation/baselines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from nlptl.core import registry, sharing
from nlptl.core.errors import InputError
from nlptl.core.records import Example, LabelSpace, Prediction
from nlptl.evaluation import kinds
from nlptl.evaluation.ratios import Floats


@dataclass(frozen=True)
class Known:
    """The input of a baseline."""

    output: str
    """The kind of answers."""
    train: Sequence[Example]
    """Labelled rows, at least one."""
    rows: Sequence[Example]
    """Rows to predict; their labels are not read."""
    labels: LabelSpace
    seed: int
    """Seed of random draws for choosing hyperparameters."""

    def targets(self) -> Floats:
        """Returns 1 for each label of a training row, else 0, (training rows, classes).

        Raises:
            InputError: a label is not in the label space, or answers of this kind are not labels.
        """
        targets = kinds.of(self.output).targets
        if targets is None:
            raise InputError(f"answers of the kind {self.output!r} are not labels")
        return targets([example.label for example in self.train], self.labels, "train labels")

    def predictions(
        self, answers: Sequence[object], scores: Sequence[Sequence[float]] | None = None
    ) -> list[Prediction]:
        """Makes predictions from answers.

        Args:
            answers: one per row.
            scores: score of each label, (rows, classes); None if there are none.
        """
        by_label = [{} for _ in answers] if scores is None else [self._by_label(row) for row in scores]
        return [
            Prediction(example.row_id, answer, row)
            for example, answer, row in zip(self.rows, answers, by_label, strict=True)
        ]

    def all_the_same(self, answer: object, scores: Sequence[float] | None = None) -> list[Prediction]:
        """Makes predictions with the same answer for every row.

        Args:
            answer: the answer.
            scores: score of each label; None if there are none.
        """
        return self.predictions([answer] * len(self.rows), None if scores is None else [scores] * len(self.rows))

    def _by_label(self, scores: Sequence[float]) -> dict[str, float]:
        return dict(zip(self.labels.names, map(float, scores), strict=True))


class Baseline(Protocol):
    """A baseline: a file in nlptl/evaluation/baselines, or a class in a user's package.

    A baseline without scores is left out if the primary metric needs them.
    """

    kinds: ClassVar[tuple[str, ...]]
    """The kinds of answers that the baseline can predict."""

    def predict(self, known: Known) -> list[Prediction] | None:
        """Returns one prediction per row, in order; None if the baseline does not suit these training rows."""


def baseline_predictions(
    output: str, train: Sequence[Example], rows: Sequence[Example], labels: LabelSpace, *, seed: int
) -> dict[str, list[Prediction]]:
    """Returns the predictions of every suitable baseline, by name.

    Args:
        output: the kind of answers.
        train: labelled examples.
        rows: examples to predict; their labels are not read.
        labels: the label space.
        seed: seed of random draws for choosing hyperparameters.

    Raises:
        InputError: the kind is unknown, there are no training examples, or a label is missing or not in the label
            space.
    """
    kinds.of(output)
    if not train:
        raise InputError("expected at least one training example for the baselines, found none")
    missing = next((i for i, example in enumerate(train) if example.label is None), None)
    if missing is not None:
        raise InputError(f"train labels[{missing}] is None: leave out training examples without a label")
    known = Known(output, train, rows, labels, seed)
    every: dict[str, Baseline] = {name: registry.load("baseline", name)() for name in registry.names("baseline")}
    by_name = {name: _once(name, one, known) for name, one in every.items() if output in one.kinds}
    return {name: predictions for name, predictions in by_name.items() if predictions is not None}


def _once(name: str, baseline: Baseline, known: Known) -> list[Prediction] | None:
    follows_from = [known.output, known.train, known.rows, known.labels, known.seed]
    return sharing.once(f"baseline {name}", follows_from, lambda: baseline.predict(known))
