"""What a model family must offer; one file a family under nlptl/models/families."""

from typing import Any, ClassVar, Protocol

import torch
from torch import nn

from nlptl.records import Batch, SubLayers


class Family(Protocol):
    """How one architecture is run.

    A family that `packs` also has `embed`, `run` and `classify` (families/_encoder.py); a text-to-text family has
    `log_likelihoods` (families/t5.py).
    """

    model_types: ClassVar[tuple[str, ...]]
    """Values of config.json's "model_type" that it serves."""
    attention: ClassVar[str]
    """Attention implementation, by transformers' name."""
    packs: ClassVar[bool]
    """Whether it computes batches without padding."""
    classifier_class: ClassVar[str]
    """Class of transformers with its own head."""
    text_class: ClassVar[str | None]
    """Class of transformers that writes text; None for encoders."""
    backbone_options: ClassVar[dict[str, Any]]
    """For loading the encoder alone."""
    sub_layers: ClassVar[SubLayers]
    """Where adapters are put."""
    dropout_fields: ClassVar[tuple[str, ...]]
    """The configuration's dropout probabilities."""

    def backbone_class(self, model_type: str) -> str:
        """Returns the class of the encoder alone."""

    def max_length(self, config: Any) -> int | None:
        """Returns the most tokens a sequence may have; None where there is no limit."""

    def layers(self, backbone: nn.Module) -> nn.ModuleList:
        """Returns the encoder's layers, first to last."""

    def embeddings(self, backbone: nn.Module) -> nn.Module:
        """Returns the module below the first layer."""

    def states(self, backbone: nn.Module, batch: Batch) -> torch.Tensor:
        """Returns the encoder's last states, (n_tokens, hidden)."""
