"""What a model, a task and a method must offer; the records that they exchange are in nlptl/core/records.py."""

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
    """What the engine needs of a model; implemented by the torch module `nlptl.models.sequence.SequenceModel`."""

    training: bool
    """Whether the model is in training mode."""

    def __call__(self, batch: Batch, cut: int = 0) -> torch.Tensor:
        """Returns logits: (n, classes); (n_tokens, classes) for tags and spans; (n, longest, vocabulary) for texts."""

    def answer(self, batch: Batch, cut: int = 0) -> torch.Tensor:
        """Returns what predictions are made from: logits, or the tokens of generated texts, int64 (n, longest)."""

    def per_token(self, cut: int | None = None) -> bool:
        """Returns whether the outputs of the frozen prefix at `cut`, or if None the logits, have one row per token."""

    def recompute(self) -> None:
        """Turns on gradient checkpointing: layers keep only their input and recompute the rest in the backward pass."""

    def blocks(self) -> list[nn.Module]:
        """Returns the layers of the encoder, then those of the decoder if the model has one."""

    def packs(self) -> bool:
        """Returns whether batches are computed without padding."""

    def drops(self) -> bool:
        """Returns whether anything that is trained has dropout."""

    def alone_on(self, device: torch.device, dtype: torch.dtype) -> bool:
        """Returns whether a batch on this device, in this number format, runs without host synchronisation.

        CUDA graphs need that.
        """

    def depth(self) -> int:
        """Returns the number of layers."""

    def levels(self) -> dict[str, int]:
        """Returns the level of each parameter, by name.

        0 for the embeddings, 1 to n for the n `blocks()`, n + 1 for the head and everything else above the blocks.
        """

    def width(self) -> int:
        """Returns the hidden size."""

    def cut(self) -> int:
        """Returns the number of frozen layers at the bottom: 0 for none, `depth()` if the whole encoder is frozen."""

    def prefix(self, batch: Batch, cut: int) -> torch.Tensor:
        """Returns the outputs of the frozen layers."""

    def below(self, cut: int) -> Iterator[tuple[str, torch.Tensor]]:
        """Yields names and values of all tensors that determine the outputs of the frozen layers."""

    def settings(self) -> dict[str, object]:
        """Returns the settings that also determine the outputs of the frozen layers, as JSON values."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """Yields the parameters."""

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Yields the parameters with their names."""

    def modules(self) -> Iterator[nn.Module]:
        """Yields the modules."""

    def token_embedding(self) -> nn.Embedding:
        """Returns the embedding of the input tokens."""

    def train(self, mode: bool = True) -> object:
        """Sets training mode on the trainable modules."""

    def eval(self) -> object:
        """Sets eval mode."""


class Task(Protocol):
    """What a task defines: columns, labels, losses, decoding; one file under nlptl/tasks."""

    sample: ClassVar[str]
    """Name of the task's sample data."""
    max_length: ClassVar[int]
    """Default of `model.max_length`."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that the task reads."""

    @property
    def output(self) -> str:
        """The kind of answers: a name in nlptl/core/kinds.py."""

    @property
    def metric(self) -> str:
        """Default of the primary metric."""

    def label_space(self, examples: Sequence[Example], declared: Sequence[str] | None) -> LabelSpace:
        """Returns the classes in the training examples; `declared`: the names that the data set declares."""

    def encode(self, examples: Sequence[Example], pretrained: Pretrained) -> Features:
        """Returns the tokens and labels of examples; an example may have several consecutive features."""

    def findings(self, features: Mapping[str, Features], corpus: Corpus, pretrained: Pretrained) -> list[Finding]:
        """Returns what encoding lost, such as answers that no window holds; `features` are by split."""

    def losses(self, logits: torch.Tensor, batch: Batch, *, smoothing: float, likelihood: bool) -> torch.Tensor:
        """Returns the loss of each feature, (n,), from the model's logits: the mean over its targets."""

    def weights(self, features: Features, labels: LabelSpace, class_weights: str) -> np.ndarray:
        """Returns the weight of each feature in the loss, float64 (n,)."""

    def decode(
        self, outputs: np.ndarray, features: Features, examples: Sequence[Example], pretrained: Pretrained
    ) -> list[Prediction]:
        """Returns one prediction per example, in the examples' order, from outputs and `pretrained.decision`.

        For labels, `one_label.decode` and `several_labels.decode` of nlptl/tasks/parts do that.
        """


@runtime_checkable
class Locating(Protocol):
    """A task that says which characters each token covers; explanations need that."""

    def characters(self, examples: Sequence[Example], pretrained: Pretrained) -> np.ndarray:
        """Returns the characters of each token of `encode`'s features, int32 (n_tokens, 3).

        The columns: which text (0: `text`, 1: `text_pair`), start and end in that text; -1 for tokens of no text.
        """


class Method(Protocol):
    """How a pretrained model is adapted; one file under nlptl/methods. It edits the model and sets `requires_grad`."""

    default_lr: ClassVar[float]
    """Default of the peak learning rate."""
    default_pooling: ClassVar[str]
    """Default of `model.pooling` for checkpoints that declare none."""
    self_contained: ClassVar[bool]
    """Whether the saved folder is a complete model; if not, loading also needs the pretrained model."""

    def prepare(self, pretrained: Pretrained) -> None:
        """Edits `pretrained.module.net` in place and sets `requires_grad` on exactly the parameters to train."""

    def save(self, pretrained: Pretrained, folder: Path) -> None:
        """Writes the trained parameters as safetensors, and settings as JSON."""

    def load(self, pretrained: Pretrained, folder: Path) -> None:
        """Loads what `save` wrote into a freshly loaded model.

        The model's head is NaN unless the folder is the complete model. Afterwards every trained parameter must be
        finite and have the name that it had in training.
        """


@runtime_checkable
class Solving(Protocol):
    """A method that can solve for the head of a frozen encoder without updates (nlptl/methods/probe.py)."""

    solves: ClassVar[tuple[str, ...]]
    """The kinds of answers for which it can solve."""

    def fit_head(
        self, pretrained: Pretrained, vectors: np.ndarray, features: Features, weights: np.ndarray, seed: int
    ) -> dict[str, object]:
        """Fits the head and returns the chosen hyperparameters as JSON values.

        Args:
            pretrained: the model; its linear head is set in place.
            vectors: outputs of the frozen encoder, float32 (n, hidden); for tags (n_tokens, hidden).
            features: the features, whose labels are the targets.
            weights: weight of each feature in the loss, float64 (n,).
            seed: seed of all random draws.
        """


@runtime_checkable
class Merging(Protocol):
    """A method whose parameters can be merged into the pretrained weights (nlptl/methods/lora.py)."""

    def merge(self, pretrained: Pretrained) -> None:
        """Makes a trained model's net a plain one with the same outputs."""


@runtime_checkable
class Reading(Protocol):
    """A method that learns from the training texts themselves what the head reads (nlptl/methods/hybrid.py)."""

    def read(self, pretrained: Pretrained, examples: Sequence[Example]) -> None:
        """Sets `pretrained.terms` from the training examples; called after `prepare`, before anything is encoded."""


@runtime_checkable
class Choosing(Protocol):
    """A method that stands for others until a run has tried them (nlptl/methods/auto.py)."""

    def candidates(self) -> dict[str, Method]:
        """Returns the methods to try, by name, the cheapest first."""


@runtime_checkable
class ByWidth(Protocol):
    """A method whose default learning rate depends on the model's hidden size."""

    lr_by_width: ClassVar[Mapping[int, float]]
    """Peak learning rates by hidden size; in place of `default_lr`."""


@runtime_checkable
class Phased(Protocol):
    """A method that trains in several phases; other methods have one, which trains all that `prepare` selected."""

    def phases(self, pretrained: Pretrained, epochs: int) -> Sequence[Phase]:
        """Returns the phases in order, at least one.

        Args:
            pretrained: the model after `prepare`.
            epochs: number of epochs of the whole run.
        """
