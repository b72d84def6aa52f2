"""What a model family must offer; one file a family under nlptl/models/families."""

from typing import Any, ClassVar, Protocol

import torch
from torch import nn

from nlptl.core.kinds import Head
from nlptl.core.records import Batch, SubLayers

ENCODER: tuple[Head, ...] = ("SequenceClassification", "TokenClassification", "QuestionAnswering")
"""Heads that transformers' encoders have."""


class Family(Protocol):
    """How one architecture is run.

    Frozen layers below trained ones are computed once where a family has `between(backbone, batch, start, stop)`: the
    states above some layers, from the batch's states below them or, from layer 0, from its tokens.

    A family that `packs` also runs its heads on vectors: `classify`, `tag` and `span`
    (families/parts/encoder.py). One that pads has `logits` (families/parts/padded.py), one that writes texts
    `text_logits` and `write`, and where label words can be scored `log_likelihoods` (families/t5.py).
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
    """The heads that the architecture cannot have, with the reason; in place of others it gets a linear one."""
    backbone_options: ClassVar[dict[str, Any]]
    """For loading the encoder alone."""
    sub_layers: ClassVar[SubLayers]
    """Where adapters are put."""
    above: ClassVar[tuple[str, ...]]
    """The encoder's modules above its layers, such as a last norm: they train whenever a layer does."""
    dropout_fields: ClassVar[tuple[str, ...]]
    """The configuration's dropout probabilities."""
    drops_by_row: ClassVar[bool]
    """Whether on a CPU each mask is drawn by row and position, so that it is the same however an update is divided."""

    def backbone_class(self, model_type: str) -> str | type:
        """Returns the class of the encoder alone, or transformers' name of it."""

    def max_length(self, config: Any) -> int | None:
        """Returns the most tokens a sequence may have; None where there is no limit."""

    def layers(self, backbone: nn.Module) -> nn.ModuleList:
        """Returns the encoder's layers, first to last."""

    def embeddings(self, backbone: nn.Module) -> nn.Module:
        """Returns the module below the first layer."""

    def states(self, backbone: nn.Module, batch: Batch) -> torch.Tensor:
        """Returns the encoder's last states, (n_tokens, hidden)."""
