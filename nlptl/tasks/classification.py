"""Classification: one or several labels for a text or pair of texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from nlptl.core.checks import at_least
from nlptl.core.records import (
    Batch,
    Column,
    Example,
    Features,
    LabelSpace,
    Prediction,
    Pretrained,
)
from nlptl.tasks.parts import one_label, several_labels, tokens
from nlptl.tasks.parts.whole_text import WholeText

if TYPE_CHECKING:
    import numpy as np
    import torch

TEXT = ("text", "sentence", "sentence1", "premise", "question1", "content", "message", "title", "body", "document")
PAIR = ("text_pair", "sentence2", "hypothesis", "question2", "text2")
LABEL = ("label", "labels", "class", "category", "topic", "intent", "target", "gold_label")


@dataclass(frozen=True, kw_only=True)
class Classification(WholeText):
    """One or several labels for each text, or for each pair of texts if there is a second text column."""

    labels: Literal["one", "several"] = "one"
    """one: exactly one label per row; several: any number, each with its own threshold, tuned on validation."""
    separator: str = ","
    """Separator of several labels in one string."""
    loss: Literal["cross_entropy", "focal"] = "cross_entropy"
    """focal: rows that are already predicted correctly weigh less (Lin et al. 2017)."""
    gamma: float = 2.0
    """Exponent of the focal loss."""

    sample: ClassVar[str] = "requests"

    def __post_init__(self) -> None:
        """Checks types, choices and ranges."""
        super().__post_init__()
        at_least("task.gamma", self.gamma, 0)

    @property
    def output(self) -> str:
        """The kind of answers."""
        return "class" if self.labels == "one" else "classes"

    @property
    def metric(self) -> str:
        """Default of the primary metric."""
        return "accuracy" if self.labels == "one" else "macro_f1"

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that the task reads."""
        label = Column("label", LABEL, kind=self.output, separator=self.separator)
        return Column("text", TEXT), Column("text_pair", PAIR, required=False), label

    def label_space(self, examples: Sequence[Example], declared: Sequence[str] | None) -> LabelSpace:
        """Returns the classes of the training examples: in the declared order, else numerical, else alphabetical.

        Args:
            examples: the training examples.
            declared: label names in the order that the source declares; None if it declares none.
        """
        present = {name for e in examples for name in ((str(e.label),) if self.labels == "one" else e.label)}
        if declared is not None:
            return LabelSpace(tuple(name for name in declared if name in present))
        if all(name.removeprefix("-").isdecimal() for name in present):
            return LabelSpace(tuple(sorted(present, key=lambda name: (int(name), name))))
        return LabelSpace(tuple(sorted(present)))

    def encode(self, examples: Sequence[Example], pretrained: Pretrained) -> Features:
        """Returns the tokens and labels of examples."""
        pieces = tokens.read(examples, pretrained, self.long, self.overlap)
        rows = one_label.class_ids if self.labels == "one" else several_labels.label_rows
        return pieces.features(rows(examples, pieces.example, pretrained.labels))

    def losses(self, logits: "torch.Tensor", batch: Batch, *, smoothing: float, likelihood: bool) -> "torch.Tensor":
        """Returns the (focal) cross-entropy of each feature, (n,); for several labels the mean over the labels."""
        gamma = self.gamma if self.loss == "focal" else 0.0
        if self.labels == "several":
            return several_labels.losses(logits, batch.labels, smoothing=smoothing, gamma=gamma)
        return one_label.losses(logits, batch.labels, smoothing=smoothing, likelihood=likelihood, gamma=gamma)

    def weights(self, features: Features, labels: LabelSpace, class_weights: str) -> "np.ndarray":
        """Returns the weight of each feature in the loss, float64 (n,)."""
        if self.labels == "several":
            return several_labels.weights(features, class_weights)
        return one_label.weights(features, len(labels.names), class_weights)

    def decode(
        self, outputs: "np.ndarray", features: Features, examples: Sequence[Example], pretrained: Pretrained
    ) -> list[Prediction]:
        """Returns each example's likeliest label, or all its labels above their thresholds, in the examples' order."""
        decode = one_label.decode if self.labels == "one" else several_labels.decode
        return decode(outputs, features, examples, pretrained)
