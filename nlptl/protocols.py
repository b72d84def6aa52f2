"""The records that flow between the rooms, and what a task, a method and a model family must offer.

A row's way: a source gives `Example`s, a task and a tokenizer make `Features` of them, the engine draws `Batch`es, the
model answers with logits, the task turns these into one `Prediction` a row, evaluation compares with the labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn

    from nlptl.config import ModelConfig

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Example:
    """One row of the user's data."""

    row_id: int
    """Position in the file, from 0; predictions carry it back."""
    text: str
    text_pair: str | None = None
    label: str | None = None
    """The label's name as the user writes it; None where the data has none."""


@dataclass(frozen=True)
class Column:
    """A column that a task reads, found by name."""

    role: str
    """Field of `Example` that it fills; `DataConfig` has a field of that name to give the column by hand."""
    usual: tuple[str, ...]
    """Names looked for, best first."""
    required: bool = True


@dataclass(frozen=True)
class Corpus:
    """The splits of a data set, read and checked."""

    splits: dict[str, list[Example]]
    """Some of `SPLITS`; always train."""
    label_names: tuple[str, ...] | None
    """Labels in the order that the source declares; None where it declares none."""
    columns: dict[str, str]
    """The column found for each role."""
    notes: tuple[str, ...]
    """What was decided for the user, to be told: "validation: 15 % of train"."""


@dataclass(frozen=True)
class Finding:
    """One thing the audit found."""

    kind: str
    """empty_text, unseen_label, cross_split_duplicate, conflicting_labels, truncation, class_balance."""
    message: str
    n: int
    """How many rows it concerns."""
    severity: str
    """"info" or "warning"; strict auditing stops at warnings."""
    details: dict[str, Any] = field(default_factory=dict)
    """Row ids by split, shares by class: whatever the kind needs."""


@dataclass(frozen=True)
class LabelSpace:
    """The classes of a task, in the order of the logits."""

    names: tuple[str, ...]
    values: tuple[float, ...] | None = None
    """The number behind each label where labels are ordered (stars), ascending; else None."""

    def index(self, name: str) -> int:
        """Returns the class id of a label's name."""
        return self.names.index(name)


@dataclass(frozen=True)
class Features:
    """Tokenized examples as flat arrays; an example may have several features."""

    input_ids: np.ndarray
    """int32 (n_tokens,): all features one after the other, without padding."""
    token_type_ids: np.ndarray | None
    """int8 (n_tokens,), for models that use them."""
    offsets: np.ndarray
    """int64 (n + 1,): feature i is input_ids[offsets[i]:offsets[i + 1]]."""
    example: np.ndarray
    """int64 (n,): index of each feature's example in its split."""
    labels: np.ndarray
    """int64 (n,): class ids, -1 where unknown."""
    full_lengths: np.ndarray
    """int64 (n,): tokens before anything was cut."""

    def __len__(self) -> int:
        """Returns the number of features."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each feature, int64 (n,)."""
        lengths: np.ndarray = self.offsets[1:] - self.offsets[:-1]
        return lengths


@dataclass(frozen=True)
class Batch:
    """Some features as flat tensors, shortest first; only a model that cannot pack ever pads them."""

    input_ids: torch.Tensor
    """int64 (n_tokens,)"""
    token_type_ids: torch.Tensor | None
    """int64 (n_tokens,)"""
    lengths: torch.Tensor
    """int64 (n,), on the CPU"""
    labels: torch.Tensor
    """int64 (n,)"""
    rows: torch.Tensor
    """int64 (n,): the features' positions in their `Features`, on the CPU"""
    states: torch.Tensor | None = None
    """(n_tokens, hidden) or (n, hidden): outputs of the frozen prefix, where these are cached."""


@dataclass(frozen=True)
class Prediction:
    """The answer for one row."""

    row_id: int
    prediction: str
    scores: dict[str, float]
    """Probability by label name."""


@dataclass(frozen=True)
class Interval:
    """A measured value with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Scores:
    """What evaluation says of one split."""

    metrics: dict[str, Interval]
    per_class: dict[str, dict[str, float]]
    """precision, recall, f1 and support by label name."""
    confusion: list[list[int]]
    """Rows are the labels, columns the predictions, in the order of the label space."""


@dataclass(frozen=True)
class ModelSource:
    """Where pretrained weights came from, exactly."""

    name: str
    """As the user gave it."""
    revision: str | None
    path: Path
    """The folder they were read from."""
    sha256: str
    """Of model.safetensors, or of its shards' hashes."""
    reference: str
    """What other programs can load it by: the Hub id, or the folder."""


@dataclass
class Pretrained:
    """A pretrained model, ready for a method to edit and for the engine to train."""

    module: Any
    """A `SequenceModel` (nlptl/models/sequence.py)."""
    tokenizer: Any
    family: Any
    """How the architecture is run; one file under nlptl/models/families."""
    source: ModelSource
    head: frozenset[str]
    """Names of the parameters of `module.net` that the pretrained checkpoint does not have."""
    config: ModelConfig
    """Resolved: nothing is None but revision and dropout."""
    labels: LabelSpace
    adapted: Any = None
    """What a method put around `module.net`, such as a PeftModel, for saving."""


class SubLayers(NamedTuple):
    """Where a family keeps its layers and, inside a layer, the two sub-layers: regular expressions on module names."""

    stack: str
    """The list of layers, as in `encoder.layer.3`."""
    attention: str
    feed_forward: str


class Model(Protocol):
    """What the engine asks of a model; `nlptl.models.sequence.SequenceModel` is it, a torch module."""

    training: bool
    """Whether it is in training mode."""

    def __call__(self, batch: Batch, cut: int = 0) -> torch.Tensor:
        """Returns logits (n, classes)."""

    def packs(self) -> bool:
        """Returns whether batches are computed without padding."""

    def depth(self) -> int:
        """Returns the number of layers."""

    def width(self) -> int:
        """Returns the hidden size."""

    def cut(self) -> int:
        """Returns how many layers are frozen from below, 0 for none, `depth()` when the whole encoder is."""

    def prefix(self, batch: Batch, cut: int) -> torch.Tensor:
        """Returns the outputs of the frozen layers."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """Yields the parameters."""

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Yields the parameters with their names."""

    def modules(self) -> Iterator[nn.Module]:
        """Yields the modules."""

    def token_embedding(self) -> nn.Embedding:
        """Returns the embedding of the input tokens."""

    def train(self, mode: bool = True) -> Any:
        """Sets training mode on what is trainable."""

    def eval(self) -> Any:
        """Sets eval mode."""


class Task(Protocol):
    """What a task says about its rows; one file under nlptl/tasks."""

    columns: ClassVar[tuple[Column, ...]]
    """What it reads."""
    sample: ClassVar[str]
    """Its sample data."""
    metric: ClassVar[str]
    """The primary metric, where the user names none."""

    def label_space(self, examples: Sequence[Example], declared: Sequence[str] | None) -> LabelSpace:
        """Returns the classes found in the training examples."""

    def losses(self, logits: torch.Tensor, labels: torch.Tensor, *, smoothing: float, likelihood: bool) -> torch.Tensor:
        """Returns the loss of each feature, (n,), from logits (n, classes) and class ids (n,)."""

    def weights(self, features: Features, labels: LabelSpace, class_weights: str) -> np.ndarray:
        """Returns the weight of each feature in the loss, float64 (n,)."""

    def decode(
        self, logits: np.ndarray, features: Features, examples: Sequence[Example], labels: LabelSpace
    ) -> list[Prediction]:
        """Returns one prediction per example, in the examples' order, from logits (n_features, classes)."""


class Method(Protocol):
    """How a pretrained model is adapted; one file under nlptl/methods. It edits the model and sets `requires_grad`.

    A method that can solve for the head of a frozen encoder in one go has `fit_head` as well (nlptl/methods/probe.py).
    """

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
        """Puts what `save` wrote into a freshly loaded model."""
