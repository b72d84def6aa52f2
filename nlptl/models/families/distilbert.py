"""DistilBERT (Sanh et al. 2019)."""

from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional as F

from nlptl.core.parts import SubLayers
from nlptl.core.records import Batch
from nlptl.models.families.parts.encoder import Encoder


class DistilBert(Encoder):
    """DistilBERT: a BERT without token types and pooler; its head is two layers over the first token."""

    model_types: ClassVar[tuple[str, ...]] = ("distilbert",)
    backbone_options: ClassVar[dict[str, Any]] = {}
    sub_layers: ClassVar[SubLayers] = SubLayers("layer", "attention", "ffn")
    dropout_fields: ClassVar[tuple[str, ...]] = ("dropout", "attention_dropout", "qa_dropout", "seq_classif_dropout")

    def layers(self, backbone: nn.Module) -> nn.ModuleList:
        """Returns the encoder's layers, first to last."""
        return backbone.transformer.layer  # type: ignore[union-attr, return-value]

    def embed(self, backbone: nn.Module, batch: Batch) -> torch.Tensor:
        """Returns the states below the first layer, (n_tokens, hidden); what is said of token types is left out."""
        embeddings = self.embeddings(backbone)
        states: torch.Tensor = embeddings(input_ids=batch.input_ids[None], position_ids=batch.positions[None])
        return states[0]

    def classify(self, net: nn.Module, first: torch.Tensor) -> torch.Tensor:
        """Returns DistilBertForSequenceClassification's logits (n, classes); see `Encoder.classify`."""
        pooled = F.relu(net.pre_classifier(first))  # type: ignore[operator]
        logits: torch.Tensor = net.classifier(net.dropout(pooled))  # type: ignore[operator]
        return logits

    def span(self, net: nn.Module, states: torch.Tensor) -> torch.Tensor:
        """Returns DistilBertForQuestionAnswering's logits of an answer's start and end, (n_tokens, 2)."""
        logits: torch.Tensor = net.qa_outputs(net.dropout(states))  # type: ignore[operator]
        return logits
