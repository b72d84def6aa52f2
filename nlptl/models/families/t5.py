"""T5 (Raffel et al. 2020) and mT5: encoder-decoders with relative positions."""

from typing import Any, ClassVar

import torch
from torch import nn

from nlptl.models.padding import pad
from nlptl.records import Batch, SubLayers


class T5:
    """T5: padded, because its relative position bias is computed for one sequence a row."""

    model_types: ClassVar[tuple[str, ...]] = ("t5", "mt5")
    attention: ClassVar[str] = "sdpa"
    packs: ClassVar[bool] = False
    classifier_class: ClassVar[str] = "AutoModelForSequenceClassification"
    text_class: ClassVar[str | None] = "AutoModelForSeq2SeqLM"
    backbone_options: ClassVar[dict[str, Any]] = {}
    sub_layers: ClassVar[SubLayers] = SubLayers(
        "block", r"layer\.\d+\.(SelfAttention|EncDecAttention)", r"layer\.\d+\.DenseReluDense"
    )
    dropout_fields: ClassVar[tuple[str, ...]] = ("dropout_rate",)

    def backbone_class(self, model_type: str) -> str:
        """Returns the class of the encoder alone, over which a pooled head is put."""
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

    def states(self, backbone: nn.Module, batch: Batch) -> torch.Tensor:
        """Returns the encoder's last states, (n_tokens, hidden)."""
        input_ids, mask = pad(batch, backbone.config.pad_token_id)  # type: ignore[union-attr, arg-type]
        hidden = backbone(input_ids=input_ids, attention_mask=mask).last_hidden_state  # (n, longest, hidden)
        states: torch.Tensor = hidden[mask.bool()]
        return states

    def logits(self, net: nn.Module, batch: Batch) -> torch.Tensor:
        """Returns T5ForSequenceClassification's logits, (n, classes)."""
        input_ids, mask = pad(batch, net.config.pad_token_id)  # type: ignore[union-attr, arg-type]
        states = net.transformer(  # type: ignore[operator]
            input_ids=input_ids,
            attention_mask=mask,
            decoder_input_ids=net._shift_right(input_ids),  # type: ignore[operator]
            use_cache=False,
        ).last_hidden_state  # (n, longest, hidden)
        # The net itself looks for the end token, and fails where a text contains one.
        ends = states[torch.arange(len(states)), batch.lengths.to(states.device) - 1]
        logits: torch.Tensor = net.classification_head(ends)  # type: ignore[operator]
        return logits

    def log_likelihoods(self, net: nn.Module, batch: Batch, words: torch.Tensor) -> torch.Tensor:
        """Returns the log-likelihood of each label's name as output text, (n, classes).

        Args:
            net: a T5ForConditionalGeneration.
            batch: the features.
            words: int64 (classes, longest name): each name's tokens and end token, -100 behind it.
        """
        input_ids, mask = pad(batch, net.config.pad_token_id)  # type: ignore[union-attr, arg-type]
        states = net.get_encoder()(input_ids=input_ids, attention_mask=mask).last_hidden_state  # type: ignore[operator]
        n, classes = len(input_ids), len(words)
        targets = words.repeat(n, 1)  # (n * classes, longest name)
        logits = net(
            encoder_outputs=(states.repeat_interleave(classes, dim=0),),
            attention_mask=mask.repeat_interleave(classes, dim=0),
            decoder_input_ids=net._shift_right(targets),  # type: ignore[operator]
        ).logits  # (n * classes, longest name, vocabulary)
        token = nn.functional.cross_entropy(
            logits.float().transpose(1, 2), targets, reduction="none", ignore_index=-100
        )
        return -token.sum(1).view(n, classes)
