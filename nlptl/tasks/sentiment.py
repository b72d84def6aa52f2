"""Sentiment: two classes, three classes, or stars."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from nlptl.core.errors import InputError
from nlptl.core.records import Batch, Column, Example, Features, LabelSpace, Prediction, Pretrained
from nlptl.tasks.parts import one_label, tokens
from nlptl.tasks.parts.whole_text import WholeText

if TYPE_CHECKING:
    import numpy as np
    import torch

TEXT = (
    "text",
    "sentence",
    "review",
    "review_text",
    "review_body",
    "content",
    "comment",
    "body",
    "tweet",
    "message",
    "document",
)
LABEL = (
    "label",
    "labels",
    "sentiment",
    "polarity",
    "stars",
    "star_rating",
    "rating",
    "score",
    "class",
    "category",
    "target",
)
MANY = 4  # two or three numbers are often codes of unordered classes
NUMBER = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*(?:stars?)?\s*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Sentiment(WholeText):
    """One sentiment per text: named classes, or stars."""

    scale: Literal["auto", "classes", "stars"] = "auto"
    """classes: unordered; stars: ordered numbers; auto: stars if there are four or more labels and all are numbers."""

    columns: ClassVar[tuple[Column, ...]] = (
        Column("text", TEXT),
        Column("text_pair", (), required=False),
        Column("label", LABEL, kind="class"),
    )
    output: ClassVar[str] = "class"
    sample: ClassVar[str] = "reviews"
    metric: ClassVar[str] = "accuracy"

    def label_space(self, examples: Sequence[Example], declared: Sequence[str] | None) -> LabelSpace:
        """Returns the classes of the training examples: numbers ascending, else as declared, else alphabetical.

        Args:
            examples: the training examples.
            declared: label names in the order that the source declares; None if it declares none.

        Raises:
            InputError: `scale` is stars and a label is not a number.
        """
        labels = {str(e.label) for e in examples}
        numbers = {name: _number(name) for name in labels}
        values = {name: number for name, number in numbers.items() if number is not None}
        if self.scale == "stars" and len(values) < len(labels):
            wrong = sorted(labels - values.keys())[:5]
            raise InputError(f"task.scale stars needs labels that are numbers, such as 4 or '4 stars'; found {wrong}")
        if len(values) == len(labels):
            names = sorted(labels, key=lambda name: (values[name], name))
            ordered = self.scale == "stars" or (self.scale == "auto" and len(names) >= MANY)
            return LabelSpace(tuple(names), tuple(values[n] for n in names) if ordered else None)
        if declared is not None:
            return LabelSpace(tuple(n for n in declared if n in labels))
        return LabelSpace(tuple(sorted(labels)))

    def encode(self, examples: Sequence[Example], pretrained: Pretrained) -> Features:
        """Returns the tokens and class ids of examples."""
        pieces = tokens.read(examples, pretrained, self.long, self.overlap)
        return pieces.features(one_label.class_ids(examples, pieces.example, pretrained.labels))

    def losses(self, logits: "torch.Tensor", batch: Batch, *, smoothing: float, likelihood: bool) -> "torch.Tensor":
        """Returns the cross-entropy of each feature, (n,)."""
        return one_label.losses(logits, batch.labels, smoothing=smoothing, likelihood=likelihood)

    def weights(self, features: Features, labels: LabelSpace, class_weights: str) -> "np.ndarray":
        """Returns the weight of each feature in the loss, float64 (n,)."""
        return one_label.weights(features, len(labels.names), class_weights)

    def decode(
        self, outputs: "np.ndarray", features: Features, examples: Sequence[Example], pretrained: Pretrained
    ) -> list[Prediction]:
        """Returns the likeliest label of each example, in the examples' order."""
        return one_label.decode(outputs, features, examples, pretrained)


def _number(name: str) -> float | None:
    match = NUMBER.fullmatch(name)
    return float(match.group(1)) if match else None
