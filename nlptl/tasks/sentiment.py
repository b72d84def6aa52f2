"""Sentiment: two classes, three classes, or stars."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from nlptl.checks import check_types
from nlptl.errors import InputError
from nlptl.records import Column, Example, Features, LabelSpace, Prediction
from nlptl.tasks import _single_label

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
MANY = 4  # two or three numbers are as likely codes of classes
NUMBER = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*(?:stars?)?\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Sentiment:
    """One sentiment a text: named classes, or stars."""

    scale: Literal["auto", "classes", "stars"] = "auto"
    """classes: unordered; stars: ordered numbers; auto: stars where there are four or more labels, all numbers."""

    columns: ClassVar[tuple[Column, ...]] = (
        Column("text", TEXT),
        Column("text_pair", (), required=False),
        Column("label", LABEL),
    )
    sample: ClassVar[str] = "reviews"
    metric: ClassVar[str] = "accuracy"

    def __post_init__(self) -> None:
        """Checks types and choices."""
        check_types("task", self)

    def label_space(self, examples: Sequence[Example], declared: Sequence[str] | None) -> LabelSpace:
        """Returns the classes of the training examples: stars ascending, else as declared, else in alphabetical order.

        Args:
            examples: of training.
            declared: label names in the order that the source declares, where it does.

        Raises:
            InputError: stars are asked for and a label is not a number.
        """
        found = {str(e.label) for e in examples}
        numbers = {name: _number(name) for name in found}
        values = {name: number for name, number in numbers.items() if number is not None}
        if self.scale == "stars" and len(values) < len(found):
            wrong = sorted(found - values.keys())[:5]
            raise InputError(f"task.scale stars needs labels that are numbers, such as 4 or '4 stars'; found {wrong}")
        if len(values) == len(found):
            names = sorted(found, key=lambda name: values[name])
            ordered = self.scale == "stars" or (self.scale == "auto" and len(names) >= MANY)
            return LabelSpace(tuple(names), tuple(values[n] for n in names) if ordered else None)
        if declared is not None:
            return LabelSpace(tuple(n for n in declared if n in found))
        return LabelSpace(tuple(sorted(found)))

    def losses(
        self, logits: "torch.Tensor", labels: "torch.Tensor", *, smoothing: float, likelihood: bool
    ) -> "torch.Tensor":
        """Returns the cross-entropy of each row, (n,)."""
        return _single_label.losses(logits, labels, smoothing=smoothing, likelihood=likelihood)

    def weights(self, features: Features, labels: LabelSpace, class_weights: str) -> "np.ndarray":
        """Returns the weight of each feature in the loss, float64 (n,)."""
        return _single_label.example_weights(features, len(labels.names), class_weights)

    def decode(
        self, logits: "np.ndarray", features: Features, examples: Sequence[Example], labels: LabelSpace
    ) -> list[Prediction]:
        """Returns the likeliest label of each example, in the examples' order."""
        return _single_label.decode(logits, features, examples, labels)


def _number(name: str) -> float | None:
    match = NUMBER.fullmatch(name)
    return float(match.group(1)) if match else None
