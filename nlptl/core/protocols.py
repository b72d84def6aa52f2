"""What a model, a task and a method must offer; the records between them are in nlptl/core/records.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from nlptl.core.records import (
    Batch,
    Column,
    Corpus,
    Example,
    Features,
    Finding,
    LabelSpace,
    Prediction,
    Pretrained,
)

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn

    from nlptl.core.phases import Phase


class Model(Protocol):
    """What the engine asks of a model; `nlptl.models.sequence.SequenceModel` is it, a torch module."""

    training: bool
    """Whether it is in training mode."""

    def __call__(self, batch: Batch, cut: int = 0) -> torch.Tensor:
        """Returns logits: (n, classes), (n_tokens, classes) of tags and spans, (n, longest, vocabulary) of texts."""

    def answer(self, batch: Batch, cut: int = 0) -> torch.Tensor:
        """Returns what predictions are made of: logits, or the tokens of written texts, int64 (n, longest)."""

    def per_token(self, cut: int | None = None) -> bool:
        """Returns whether the prefix's outputs at a cut, or without one the logits, have a row for each token."""

    def recompute(self) -> None:
        """Makes layers keep only their input and compute the rest again in the backward pass."""

    def blocks(self) -> list[nn.Module]:
        """Returns the layers, of the encoder and, where there is one, of the decoder."""

    def packs(self) -> bool:
        """Returns whether batches are computed without padding."""

    def alone_on(self, device: torch.device, dtype: torch.dtype) -> bool:
        """Returns whether a device computes batches that it has, in a number format, without the host."""

    def depth(self) -> int:
        """Returns the number of layers."""

    def levels(self) -> dict[str, int]:
        """Returns the height of each parameter, by name.

        0 for the embeddings, 1 to n for the n `blocks()`, n + 1 for the head and what else lies above the blocks.
        """

    def width(self) -> int:
        """Returns the hidden size."""

    def cut(self) -> int:
        """Returns how many layers are frozen from below, 0 for none, `depth()` when the whole encoder is."""

    def prefix(self, batch: Batch, cut: int) -> torch.Tensor:
        """Returns the outputs of the frozen layers."""

    def below(self, cut: int) -> Iterator[tuple[str, torch.Tensor]]:
        """Yields the values, with their names, that decide the outputs of the frozen layers."""

    def settings(self) -> dict[str, object]:
        """Returns what else decides them, as JSON values."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """Yields the parameters."""

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Yields the parameters with their names."""

    def modules(self) -> Iterator[nn.Module]:
        """Yields the modules."""

    def token_embedding(self) -> nn.Embedding:
        """Returns the embedding of the input tokens."""

    def train(self, mode: bool = True) -> object:
        """Sets training mode on what is trainable."""

    def eval(self) -> object:
        """Sets eval mode."""


class Task(Protocol):
    """What a task says about its rows; one file under nlptl/tasks."""

    sample: ClassVar[str]
    """Its sample data."""
    max_length: ClassVar[int]
    """Tokens computed at once, where the user gives none."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """What it reads."""

    @property
    def output(self) -> str:
        """The kind of its answers: a name in nlptl/core/kinds.py."""

    @property
    def metric(self) -> str:
        """The primary metric, where the user names none."""

    def label_space(self, examples: Sequence[Example], declared: Sequence[str] | None) -> LabelSpace:
        """Returns the classes found in the training examples."""

    def encode(self, examples: Sequence[Example], pretrained: Pretrained) -> Features:
        """Returns the tokens and labels of some rows; a row may have several features, one behind the other."""

    def findings(self, features: Mapping[str, Features], corpus: Corpus, pretrained: Pretrained) -> list[Finding]:
        """Returns what encoding lost, by split of the features: such as answers that no window holds."""

    def losses(self, logits: torch.Tensor, batch: Batch, *, smoothing: float, likelihood: bool) -> torch.Tensor:
        """Returns the loss of each feature, (n,), from the model's logits; the mean over what is right in it."""

    def weights(self, features: Features, labels: LabelSpace, class_weights: str) -> np.ndarray:
        """Returns the weight of each feature in the loss, float64 (n,)."""

    def decode(
        self, outputs: np.ndarray, features: Features, examples: Sequence[Example], pretrained: Pretrained
    ) -> list[Prediction]:
        """Returns one prediction per example, in the examples' order, from the model's answers."""


class Method(Protocol):
    """How a pretrained model is adapted; one file under nlptl/methods. It edits the model and sets `requires_grad`."""

    default_lr: ClassVar[float]
    """Peak learning rate, where the user gives none."""
    default_pooling: ClassVar[str]
    """Pooling, where the user gives none."""
    self_contained: ClassVar[bool]
    """Whether the saved folder is a whole model, or needs the pretrained one beside it."""

    def prepare(self, pretrained: Pretrained) -> None:
        """Edits `pretrained.module.net` in place and leaves `requires_grad` on exactly what is to be trained."""

    def save(self, pretrained: Pretrained, folder: Path) -> None:
        """Writes what was trained, as safetensors and JSON."""

    def load(self, pretrained: Pretrained, folder: Path) -> None:
        """Puts what `save` wrote into a freshly loaded model, whose head is NaN unless the folder is the whole model.

        Afterwards every parameter that was trained must be there, under its name in training, and be finite.
        """


@runtime_checkable
class Solving(Protocol):
    """A method that can solve for the head of a frozen encoder in one go (nlptl/methods/probe.py)."""

    solves: ClassVar[tuple[str, ...]]
    """The kinds of answers that it can do so for."""

    def fit_head(
        self, pretrained: Pretrained, vectors: np.ndarray, features: Features, weights: np.ndarray, seed: int
    ) -> dict[str, object]:
        """Fits the head and returns what was chosen, as JSON values.

        Args:
            pretrained: its linear head is set.
            vectors: float32 (n, hidden), from the frozen encoder; of tags (n_tokens, hidden).
            features: say what is right.
            weights: float64 (n,), of the features in the loss.
            seed: of what is drawn.
        """


@runtime_checkable
class Phased(Protocol):
    """A method that trains in several phases; without it, one phase trains all that `prepare` left trainable."""

    def phases(self, pretrained: Pretrained, epochs: int) -> Sequence[Phase]:
        """Returns the phases in their order, at least one.

        Args:
            pretrained: as `prepare` left it.
            epochs: of the whole run.
        """
