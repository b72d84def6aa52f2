"""T5 (Raffel et al. 2020) and mT5: encoder-decoders with relative positions."""

from typing import Any, ClassVar

import torch
from torch import nn

from nlptl.models.families._writer import Writer
from nlptl.records import BY_SEQUENCE, Batch, Output, SubLayers


class T5(Writer):
    """T5: padded, because its relative position bias is computed for one sequence a row; spans by its encoder alone."""

    model_types: ClassVar[tuple[str, ...]] = ("t5", "mt5")
    native: ClassVar[tuple[Output, ...]] = (*BY_SEQUENCE, "tags", "text")
    refused: ClassVar[dict[Output, str]] = {}
    sub_layers: ClassVar[SubLayers] = SubLayers(
        "block", r"layer\.\d+\.(SelfAttention|EncDecAttention)", r"layer\.\d+\.DenseReluDense"
    )
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

    def shifted(self, net: nn.Module, targets: torch.Tensor) -> torch.Tensor:
        """Returns the decoder's inputs for targets, int64 (n, longest), -100 behind each."""
        inputs: torch.Tensor = net._shift_right(targets)  # type: ignore[operator]
        return inputs

    def logits(self, net: nn.Module, batch: Batch, output: Output) -> torch.Tensor:
        """Returns the logits of transformers' own head: (n, classes), of tags (n_tokens, classes)."""
        if output not in BY_SEQUENCE:
            return super().logits(net, batch, output)
        given = self.inputs(net.config, batch)
        states = net.transformer(  # type: ignore[operator]
            **given, decoder_input_ids=self.shifted(net, given["input_ids"]), use_cache=False
        ).last_hidden_state  # (n, longest, hidden)
        # The net itself looks for the end token, and fails where a text contains one.
        ends = states[torch.arange(len(states)), batch.lengths.to(states.device) - 1]
        logits: torch.Tensor = net.classification_head(ends)  # type: ignore[operator]
        return logits
