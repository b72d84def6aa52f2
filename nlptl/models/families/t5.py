"""T5 (Raffel et al. 2020) and mT5: encoder-decoders with relative positions."""

from typing import Any, ClassVar

import torch
from torch import nn
from transformers.masking_utils import create_bidirectional_mask

from nlptl.core.kinds import WRITER, Head
from nlptl.core.parts import SubLayers
from nlptl.core.records import Batch
from nlptl.models.families.parts.writer import Writer
from nlptl.models.padding import pad


class T5(Writer):
    """T5: padded, because its relative position bias is computed for one sequence a row; spans by its encoder alone."""

    model_types: ClassVar[tuple[str, ...]] = ("t5", "mt5")
    heads: ClassVar[tuple[Head, ...]] = ("SequenceClassification", "TokenClassification", WRITER)
    refused: ClassVar[dict[Head, str]] = {}
    sub_layers: ClassVar[SubLayers] = SubLayers(
        "block", r"layer\.\d+\.(SelfAttention|EncDecAttention)", r"layer\.\d+\.DenseReluDense"
    )
    above: ClassVar[tuple[str, ...]] = ("encoder.final_layer_norm", "decoder.final_layer_norm")
    dropout_fields: ClassVar[tuple[str, ...]] = ("dropout_rate",)

    def backbone_class(self, model_type: str) -> str:
        """Returns the class of the encoder alone, over which a head of our own is put."""
        return {"t5": "T5EncoderModel", "mt5": "MT5EncoderModel"}[model_type]

    def max_length(self, config: Any) -> int | None:
        """Returns None: relative positions have no limit."""
        return None

    def layers(self, backbone: nn.Module) -> nn.ModuleList:
        """Returns the encoder's layers, first to last."""
        return backbone.encoder.block  # type: ignore[union-attr, return-value]

    def embeddings(self, backbone: nn.Module) -> nn.Module:
        """Returns the module below the first layer."""
        return backbone.shared  # type: ignore[return-value]

    def between(self, backbone: nn.Module, batch: Batch, start: int, stop: int) -> torch.Tensor:
        """Returns the states above the encoder's layers `start` to `stop`, (n_tokens, hidden), from the batch's below.

        As T5Stack.forward, which has no way to begin or end in the middle.
        """
        encoder: Any = backbone.encoder
        tokens = batch.input_ids if batch.states is None else batch.states
        rows, mask = pad(batch, tokens, 0)
        hidden = encoder.embed_tokens(rows) if batch.states is None else rows  # (n, longest, hidden)
        longest = hidden.shape[1]
        bias = encoder.block[0].layer[0].SelfAttention.compute_bias(longest, longest, hidden.device)
        visible = create_bidirectional_mask(config=encoder.config, inputs_embeds=hidden, attention_mask=mask)
        for block in encoder.block[start:stop]:
            hidden = block(hidden, visible, bias)[0]
        if stop == len(encoder.block):
            hidden = encoder.dropout(encoder.final_layer_norm(hidden))
        states: torch.Tensor = hidden[mask.bool()]
        return states

    def shifted(self, net: nn.Module, targets: torch.Tensor) -> torch.Tensor:
        """Returns the decoder's inputs for targets, int64 (n, longest), -100 after each."""
        inputs: torch.Tensor = net._shift_right(targets)  # type: ignore[operator]
        return inputs
