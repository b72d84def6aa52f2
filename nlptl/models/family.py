"""What a model family must offer; one file a family under nlptl/models/families."""

from typing import ClassVar, Protocol, runtime_checkable

import torch
from torch import nn
from transformers import PreTrainedConfig

from nlptl.core.kinds import Head, Kind
from nlptl.core.parts import Layered, SubLayers
from nlptl.core.records import Batch

ENCODER: tuple[Head, ...] = ("SequenceClassification", "TokenClassification", "QuestionAnswering")
"""Heads that transformers' encoders have."""


class Family(Layered, Protocol):
    """How one architecture is run.

    One that `packs` runs the heads that it has on vectors, as `Classifying`, `Tagging` and `Answering`
    (families/parts/encoder.py). Any other is `Padded` (families/parts/padded.py); one that writes texts is `Writing`,
    and `Scoring` where label words can be scored (families/parts/writer.py). Frozen layers of a `Divided` one are
    computed once.
    """

    model_types: ClassVar[tuple[str, ...]]
    """Values of config.json's "model_type" that it serves."""
    attention: ClassVar[str]
    """Attention implementation, by transformers' name."""
    packs: ClassVar[bool]
    """Whether it computes batches without padding."""
    heads: ClassVar[tuple[Head, ...]]
    """The heads that transformers has for it."""
    refused: ClassVar[dict[Head, str]]
    """The heads that the architecture cannot have, with the reason; any other head that it lacks is a linear one."""
    backbone_options: ClassVar[dict[str, bool]]
    """For loading the encoder alone."""
    sub_layers: ClassVar[SubLayers]
    """Where adapters are put."""
    dropout_fields: ClassVar[tuple[str, ...]]
    """The configuration's dropout probabilities."""
    drops_by_row: ClassVar[bool]
    """Whether on a CPU each mask is drawn by row and position, so that it is the same however an update is divided."""

    def backbone_class(self, model_type: str) -> str | type:
        """Returns the class of the encoder alone, or transformers' name of it."""

    def max_length(self, config: PreTrainedConfig) -> int | None:
        """Returns the most tokens a sequence may have; None if there is no limit."""

    def embeddings(self, backbone: nn.Module) -> nn.Module:
        """Returns the module below the first layer."""

    def states(self, backbone: nn.Module, batch: Batch) -> torch.Tensor:
        """Returns the encoder's last states, (n_tokens, hidden)."""


@runtime_checkable
class Divided(Protocol):
    """A family that runs some of the encoder's layers alone, so that frozen ones below trained ones run once."""

    def between(self, backbone: nn.Module, batch: Batch, start: int, stop: int) -> torch.Tensor:
        """Returns the states above the layers `start` to `stop`, (n_tokens, hidden).

        They follow from the batch's states below these layers or, from layer 0, from its tokens.
        """


@runtime_checkable
class Classifying(Protocol):
    """A family that runs the head over rows on vectors."""

    def classify(self, net: nn.Module, vectors: torch.Tensor) -> torch.Tensor:
        """Returns logits (n, classes) from the states of the first tokens, (n, hidden)."""


@runtime_checkable
class Tagging(Protocol):
    """A family that runs the head that names tokens on vectors."""

    def tag(self, net: nn.Module, states: torch.Tensor) -> torch.Tensor:
        """Returns logits (n_tokens, classes) from states (n_tokens, hidden)."""


@runtime_checkable
class Answering(Protocol):
    """A family that runs the head that finds answers on vectors."""

    def span(self, net: nn.Module, states: torch.Tensor) -> torch.Tensor:
        """Returns logits of start and end, (n_tokens, 2), from states (n_tokens, hidden)."""


@runtime_checkable
class Padded(Protocol):
    """A family that runs transformers' heads on padded batches."""

    def logits(self, net: nn.Module, batch: Batch, kind: Kind) -> torch.Tensor:
        """Returns the logits of transformers' own head: (n, classes), of tags and spans (n_tokens, classes)."""


@runtime_checkable
class Writing(Protocol):
    """A family that writes texts."""

    def text_logits(self, net: nn.Module, batch: Batch) -> torch.Tensor:
        """Returns logits of the target's tokens, (n, longest target, vocabulary), each given the tokens before it."""

    def write(self, net: nn.Module, batch: Batch, *, max_new_tokens: int, n_beams: int) -> torch.Tensor:
        """Returns the tokens of the written texts, int64 (n, max_new_tokens)."""


@runtime_checkable
class Scoring(Protocol):
    """A family that scores the names of labels as texts."""

    def log_likelihoods(self, net: nn.Module, batch: Batch, words: torch.Tensor) -> torch.Tensor:
        """Returns the log-likelihood of each label's name as output text, (n, classes)."""


def lacks(family: object, ability: str) -> TypeError:
    """Returns the error for a family that has not what it is asked for."""
    return TypeError(f"the family {type(family).__name__} has no {ability}")
