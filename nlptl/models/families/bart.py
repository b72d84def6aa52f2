"""BART (Lewis et al. 2020): an encoder-decoder with learned positions."""

from typing import Any, ClassVar

import torch
from torch import nn
from transformers import BartConfig, BartPreTrainedModel
from transformers.models.bart.modeling_bart import BartEncoder, shift_tokens_right

from nlptl.core.kinds import WRITER, Head
from nlptl.core.parts import SubLayers
from nlptl.models.families.parts.writer import Writer


class Bart(Writer):
    """BART: its head reads the decoder's state of the end token; tags and spans by its encoder alone.

    A layer's feed-forward block is no module of its own: adapters are put after its second linear layer, which is no
    place for one that reads the block's input (variant "parallel").
    """

    model_types: ClassVar[tuple[str, ...]] = ("bart",)
    heads: ClassVar[tuple[Head, ...]] = ("SequenceClassification", WRITER)
    refused: ClassVar[dict[Head, str]] = {}
    sub_layers: ClassVar[SubLayers] = SubLayers("layers", "(self|encoder)_attn", "fc2")
    dropout_fields: ClassVar[tuple[str, ...]] = (
        "dropout",
        "attention_dropout",
        "activation_dropout",
        "classifier_dropout",
    )
    drops_by_row: ClassVar[bool] = False
    """Its layers call torch's own dropout function."""

    def backbone_class(self, model_type: str) -> str | type:
        """Returns the class of the encoder alone, over which a head of our own is put."""
        return BartEncoderModel

    def layers(self, backbone: nn.Module) -> nn.ModuleList:
        """Returns the encoder's layers, first to last."""
        return backbone.encoder.layers  # type: ignore[union-attr, return-value]

    def embeddings(self, backbone: nn.Module) -> nn.Module:
        """Returns the module below the first layer."""
        return backbone.shared  # type: ignore[return-value]

    def shifted(self, net: nn.Module, targets: torch.Tensor) -> torch.Tensor:
        """Returns the decoder's inputs for targets, int64 (n, longest), -100 after each."""
        config: Any = net.config
        inputs: torch.Tensor = shift_tokens_right(targets, config.pad_token_id, config.decoder_start_token_id)
        return inputs


class BartEncoderModel(BartPreTrainedModel):  # type: ignore[no-untyped-call]
    """BART's encoder alone, as transformers' T5EncoderModel is T5's.

    Args:
        config: of the whole BART.
    """

    _tied_weights_keys = {"encoder.embed_tokens.weight": "shared.weight"}  # noqa: RUF012  as its base class has it
    _keys_to_ignore_on_load_unexpected = ["decoder"]  # noqa: RUF012

    def __init__(self, config: BartConfig) -> None:
        super().__init__(config)
        self.shared = nn.Embedding(config.vocab_size, int(config.d_model or 0), config.pad_token_id)
        self.encoder = BartEncoder(config)
        self.post_init()  # type: ignore[no-untyped-call]

    def get_input_embeddings(self) -> nn.Module:
        """Returns the embedding of the input tokens."""
        return self.shared

    def forward(self, **given: Any) -> Any:
        """Returns what BartEncoder returns for these inputs."""
        return self.encoder(**given)
