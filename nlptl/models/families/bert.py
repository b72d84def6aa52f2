"""BERT (Devlin et al. 2019), MiniLM and the sentence encoders that are BERTs."""

from typing import ClassVar

import torch
from torch import nn

from nlptl.models.families.parts.encoder import Encoder


class Bert(Encoder):
    """BERT: learned positions from 0; its head reads the pooler's output for the first token."""

    model_types: ClassVar[tuple[str, ...]] = ("bert",)

    def classify(self, net: nn.Module, first: torch.Tensor) -> torch.Tensor:
        """Returns BertForSequenceClassification's logits (n, classes); see `Encoder.classify`."""
        pooled = net.bert.pooler(first[:, None])  # type: ignore[union-attr, operator]
        logits: torch.Tensor = net.classifier(net.dropout(pooled))  # type: ignore[operator]
        return logits
