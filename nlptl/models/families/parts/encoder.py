"""What BERT and its relatives share: embeddings, then layers that take (1, n_tokens, hidden)."""

from collections.abc import Iterable
from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional as F

from nlptl.core.kinds import WRITER, Head
from nlptl.core.parts import SubLayers
from nlptl.core.records import Batch
from nlptl.models.family import ENCODER
from nlptl.models.packing import NAME, Packing


class Encoder:
    """A family whose encoder runs packed; a subclass names its model types and runs its own head."""

    model_types: ClassVar[tuple[str, ...]]
    attention: ClassVar[str] = NAME
    packs: ClassVar[bool] = True
    heads: ClassVar[tuple[Head, ...]] = ENCODER
    refused: ClassVar[dict[Head, str]] = {WRITER: "an encoder reads, it does not write: choose a T5 or BART"}
    backbone_options: ClassVar[dict[str, Any]] = {"add_pooling_layer": False}
    sub_layers: ClassVar[SubLayers] = SubLayers("layer", r"(cross)?attention\.output", "output")
    above: ClassVar[tuple[str, ...]] = ("pooler",)
    dropout_fields: ClassVar[tuple[str, ...]] = ("hidden_dropout_prob", "attention_probs_dropout_prob")
    drops_by_row: ClassVar[bool] = True

    def backbone_class(self, model_type: str) -> str:
        """Returns the class of the encoder alone, over which a pooled head is put."""
        return "AutoModel"

    def max_length(self, config: Any) -> int | None:
        """Returns the most tokens a sequence may have; None if there is no limit."""
        return int(config.max_position_embeddings) - self.position_offset(config)

    def layers(self, backbone: nn.Module) -> nn.ModuleList:
        """Returns the encoder's layers, first to last."""
        return backbone.encoder.layer  # type: ignore[union-attr, return-value]

    def embeddings(self, backbone: nn.Module) -> nn.Module:
        """Returns the module below the first layer."""
        return backbone.embeddings  # type: ignore[return-value]

    def position_offset(self, config: Any) -> int:
        """Returns the position id of a sequence's first token."""
        return 0

    def states(self, backbone: nn.Module, batch: Batch) -> torch.Tensor:
        """Returns the last layer's states, (n_tokens, hidden)."""
        return self.between(backbone, batch, 0, len(self.layers(backbone)))

    def between(self, backbone: nn.Module, batch: Batch, start: int, stop: int) -> torch.Tensor:
        """Returns the states above the layers `start` to `stop`, (n_tokens, hidden), from the batch's below them."""
        below = self.embed(backbone, batch) if batch.states is None else batch.states
        return self.run(self.layers(backbone)[start:stop], below, Packing(batch))

    def embed(self, backbone: nn.Module, batch: Batch) -> torch.Tensor:
        """Returns the states below the first layer, (n_tokens, hidden)."""
        position_ids = batch.positions + self.position_offset(backbone.config)
        types = torch.zeros_like(batch.input_ids) if batch.token_type_ids is None else batch.token_type_ids
        states: torch.Tensor = self.embeddings(backbone)(
            input_ids=batch.input_ids[None], token_type_ids=types[None], position_ids=position_ids[None]
        )
        return states[0]

    def run(self, layers: Iterable[nn.Module], states: torch.Tensor, packing: Packing) -> torch.Tensor:
        """Returns the states above these layers, (n_tokens, hidden)."""
        n_tokens = len(states)
        hidden = F.pad(states, (0, 0, 0, packing.n_empty))[None]  # (1, n_tokens and some, hidden)
        for layer in layers:
            hidden = layer(hidden, None, packing=packing)
        return hidden[0, :n_tokens]

    def classify(self, net: nn.Module, first: torch.Tensor) -> torch.Tensor:
        """Returns transformers' own head's logits (n, classes) from the states of the first tokens, (n, hidden)."""
        raise NotImplementedError

    def tag(self, net: nn.Module, states: torch.Tensor) -> torch.Tensor:
        """Returns transformers' own token classifier's logits (n_tokens, classes)."""
        logits: torch.Tensor = net.classifier(net.dropout(states))  # type: ignore[operator]
        return logits

    def span(self, net: nn.Module, states: torch.Tensor) -> torch.Tensor:
        """Returns transformers' own logits of an answer's start and end, (n_tokens, 2)."""
        logits: torch.Tensor = net.qa_outputs(states)  # type: ignore[operator]
        return logits
