"""Regression: a number for a text or a pair of texts, such as a similarity or a grade."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from nlptl.core.errors import InputError
from nlptl.core.records import (
    Batch,
    Column,
    Example,
    Features,
    LabelSpace,
    Prediction,
    Pretrained,
)
from nlptl.tasks.parts import one_label, tokens
from nlptl.tasks.parts.whole_text import WholeText

if TYPE_CHECKING:
    import numpy as np
    import torch

TEXT = ("text", "sentence1", "sentence", "essay", "premise", "question1", "content", "answer")
PAIR = ("text_pair", "sentence2", "hypothesis", "question2", "text2", "prompt")
LABEL = ("score", "similarity", "label", "target", "grade", "rating", "value", "domain1_score")
MOST_GRADES = 50


@dataclass(frozen=True, kw_only=True)
class Regression(WholeText):
    """One number per text or pair of texts; predictions are in the unit of the data."""

    loss: Literal["mse", "ordinal"] = "mse"
    """mse: squared error of the standardized number; ordinal: for grades, one binary decision "above grade k" each."""

    columns: ClassVar[tuple[Column, ...]] = (
        Column("text", TEXT),
        Column("text_pair", PAIR, required=False),
        Column("label", LABEL, kind="number"),
    )
    output: ClassVar[str] = "number"
    sample: ClassVar[str] = "similarity"
    metric: ClassVar[str] = "pearson"

    def label_space(self, examples: Sequence[Example], declared: Sequence[str] | None) -> LabelSpace:
        """Returns mean and standard deviation of the training numbers; for ordinal loss also one class per threshold.

        Args:
            examples: the training examples.
            declared: not used.

        Raises:
            InputError: the loss is ordinal and there are more than `MOST_GRADES` different numbers.
        """
        import numpy as np

        numbers = np.array([e.label for e in examples])
        mean, scale = float(numbers.mean()), float(numbers.std()) or 1.0
        if self.loss == "mse":
            return LabelSpace(("number",), None, mean, scale)
        grades = sorted(set(numbers.tolist()))
        if len(grades) > MOST_GRADES:
            raise InputError(
                f"task.loss ordinal is for at most {MOST_GRADES} different grades; "
                f"the training rows have {len(grades)} different numbers: set task.loss mse"
            )
        return LabelSpace(tuple(f"above {grade:g}" for grade in grades[:-1]), tuple(grades), mean, scale)

    def encode(self, examples: Sequence[Example], pretrained: Pretrained) -> Features:
        """Returns the tokens and targets of examples; a missing number is replaced by the mean.

        Targets for mse: the standardized number, float32 (n,); for ordinal: 1 for each grade that the number is above,
        else 0, float32 (n, grades - 1).
        """
        import numpy as np

        pieces = tokens.read(examples, pretrained, self.long, self.overlap)
        unit = pretrained.labels
        known = [unit.mean if examples[i].label is None else examples[i].label for i in pieces.example]
        numbers = np.array(known, np.float64)
        if unit.values is not None:
            return pieces.features((numbers[:, None] > np.array(unit.values[:-1])).astype(np.float32))
        return pieces.features(((numbers - unit.mean) / unit.scale).astype(np.float32))

    def losses(self, logits: "torch.Tensor", batch: Batch, *, smoothing: float, likelihood: bool) -> "torch.Tensor":
        """Returns the loss of each feature, (n,).

        mse: the squared error, from logits (n, 1). ordinal: the mean binary cross-entropy of "above grade k" (Cao et
        al. 2020, equation 4), from logits (n, grades - 1); each threshold has its own weights.
        """
        from torch.nn import functional

        if self.loss == "mse":
            return (logits.float()[:, 0] - batch.labels) ** 2
        each = functional.binary_cross_entropy_with_logits(logits.float(), batch.labels, reduction="none")
        return each.mean(-1)

    def weights(self, features: Features, labels: LabelSpace, class_weights: str) -> "np.ndarray":
        """Returns the weight of each feature in the loss, float64 (n,).

        Raises:
            InputError: balanced weights or sampling are requested, but numbers are not classes.
        """
        if class_weights != "none":
            raise InputError(
                "numbers have no classes to balance: set train.class_weights none, train.sampling shuffled"
            )
        return one_label.feature_shares(features)

    def decode(
        self, outputs: "np.ndarray", features: Features, examples: Sequence[Example], pretrained: Pretrained
    ) -> list[Prediction]:
        """Returns a number for each example, in the unit of the data; ordinal: the expected grade."""
        import numpy as np

        unit = pretrained.labels
        means = one_label.pooled(outputs.astype(np.float64), features, len(examples))  # (examples, 1 or grades - 1)
        if unit.values is None:
            numbers = means[:, 0] * unit.scale + unit.mean
        else:
            steps = np.diff(unit.values)
            numbers = unit.values[0] + (1 / (1 + np.exp(-means))) @ steps
        return [Prediction(e.row_id, float(number), {}) for e, number in zip(examples, numbers, strict=True)]
