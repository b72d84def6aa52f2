"""From text to predictions: an artifact, opened once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from nlptl import data
from nlptl.core.finite import refuse_not_finite
from nlptl.runs.encoding import encode

if TYPE_CHECKING:
    import numpy as np

    from nlptl.core.protocols import Task
    from nlptl.core.records import Example, Features, Prediction, Pretrained
    from nlptl.engine.attribution import Attribution, Question


class Runtime(Protocol):
    """Computes a model's answers, for example with torch."""

    @property
    def precision(self) -> str:
        """The number format, "fp32" or "bf16"."""

    def answers(self, features: Features) -> np.ndarray:
        """Returns the raw answers in the order of the features: see `inference.answers`."""


class Torch:
    """Computes with torch, on a GPU if there is one; device, number format and allocator are set once.

    Args:
        pretrained: its model is moved to the device.
        precision: "fp32", "bf16", or "auto": bf16 if the machine computes it natively.
    """

    def __init__(self, pretrained: Pretrained, precision: str = "fp32") -> None:
        from nlptl.engine import device, memory

        self._compute = device.start(precision)
        self._model = pretrained.module.to(self._compute.device)
        memory.give_back()  # what loading has left

    @property
    def precision(self) -> str:
        """The number format."""
        return self._compute.precision

    def answers(self, features: Features) -> np.ndarray:
        """Returns the answers."""
        from nlptl.engine import inference

        return inference.answers(self._model, features, self._compute)

    def attribute(self, features: Features, question: Question) -> Attribution:
        """Returns what each token of one example adds to a value: see `attribution.attribute`."""
        from nlptl.engine import attribution

        return attribution.attribute(self._model, features, question, self._compute)


@dataclass(frozen=True)
class Predictor:
    """The one way from text to predictions, for `predict`, `evaluate` and the reload check."""

    task: Task
    pretrained: Pretrained
    columns: dict[str, str]
    """Of the training data, by role."""
    runtime: Runtime

    @staticmethod
    def open(folder: Path, *, trust_changes: bool = False, precision: str | None = None) -> Predictor:
        """Opens an artifact.

        Args:
            folder: of the artifact.
            trust_changes: see `nlptl.load`.
            precision: "fp32" or "bf16"; None: as the artifact was evaluated, but bf16 only if the machine computes it
                natively.

        Raises:
            InputError: as `artifact.load`.
        """
        from nlptl.runs import artifact

        pretrained, task, _, columns = artifact.load(folder, trust_changes=trust_changes)
        evaluated = "auto" if artifact.precision(folder) == "bf16" else "fp32"
        return Predictor(task, pretrained, columns, Torch(pretrained, precision or evaluated))

    def answers(self, examples: Sequence[Example]) -> np.ndarray:
        """Returns the raw answers in the order of the examples: see `inference.answers`."""
        return self.runtime.answers(encode(self.task, examples, self.pretrained))

    def predict(self, examples: Sequence[Example]) -> list[Prediction]:
        """Returns one prediction per example, in their order; they are computed in parts that fit into memory."""
        return [prediction for part in data.parts(examples) for prediction in self._part(part)]

    def _part(self, examples: Sequence[Example]) -> list[Prediction]:
        features = encode(self.task, examples, self.pretrained)
        answers = self.runtime.answers(features)
        refuse_not_finite(answers, features, examples)
        return self.task.decode(answers, features, examples, self.pretrained)
