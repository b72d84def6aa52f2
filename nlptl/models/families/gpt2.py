"""GPT-2 (Radford et al. 2019): a decoder that reads from left to right."""

from typing import Any, ClassVar

import torch
from torch import nn

from nlptl.core.kinds import WRITER, Head, Kind
from nlptl.core.parts import SubLayers
from nlptl.core.records import Batch
from nlptl.models.families.parts.padded import Padded, last


class GPT2(Padded):
    """GPT-2: its head reads the last token, the only one that has seen the whole text."""

    model_types: ClassVar[tuple[str, ...]] = ("gpt2",)
    heads: ClassVar[tuple[Head, ...]] = ("SequenceClassification", "TokenClassification")
    refused: ClassVar[dict[Head, str]] = {
        "QuestionAnswering": "it reads from left to right, so a token does not see what follows it: extractive "
        "answers need an encoder, such as a BERT",
        WRITER: "it continues its input and has no place for a question apart from the answer: choose a T5 or BART",
    }
    sub_layers: ClassVar[SubLayers] = SubLayers("h", "attn", "mlp")
    above: ClassVar[tuple[str, ...]] = ("ln_f",)
    dropout_fields: ClassVar[tuple[str, ...]] = ("resid_pdrop", "embd_pdrop", "attn_pdrop")

    def layers(self, backbone: nn.Module) -> nn.ModuleList:
        """Returns the layers, first to last."""
        return backbone.h  # type: ignore[return-value]

    def embeddings(self, backbone: nn.Module) -> nn.Module:
        """Returns the module below the first layer."""
        return backbone.wte  # type: ignore[return-value]

    def inputs(self, config: Any, batch: Batch) -> dict[str, Any]:
        """Returns the padded batch, (n, longest) each, as the arguments of transformers' forward."""
        return super().inputs(config, batch) | {"use_cache": False}

    def logits(self, net: nn.Module, batch: Batch, kind: Kind) -> torch.Tensor:
        """Returns the logits of transformers' own head: (n, classes), of tags (n_tokens, classes)."""
        if not kind.by_row:
            return super().logits(net, batch, kind)
        states = net.transformer(**self.inputs(net.config, batch)).last_hidden_state  # type: ignore[operator]
        # The net itself looks for the padding token, which GPT-2 lacks.
        logits: torch.Tensor = net.score(last(states, batch))  # type: ignore[operator]
        return logits
