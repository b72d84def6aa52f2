"""ELECTRA (Clark et al. 2020), its discriminators."""

from typing import Any, ClassVar

import torch
from torch import nn

from nlptl.core.records import Batch
from nlptl.models.families.parts.encoder import Encoder


class Electra(Encoder):
    """ELECTRA: a BERT without pooler, perhaps with narrower embeddings; its head is two layers over the first token."""

    model_types: ClassVar[tuple[str, ...]] = ("electra",)
    backbone_options: ClassVar[dict[str, Any]] = {}

    def embed(self, backbone: nn.Module, batch: Batch) -> torch.Tensor:
        """Returns the states below the first layer, (n_tokens, hidden)."""
        embedded = super().embed(backbone, batch)  # (n_tokens, embedding size)
        states: torch.Tensor = getattr(backbone, "embeddings_project", nn.Identity())(embedded)
        return states

    def classify(self, net: nn.Module, first: torch.Tensor) -> torch.Tensor:
        """Returns ElectraForSequenceClassification's logits (n, classes); see `Encoder.classify`."""
        logits: torch.Tensor = net.classifier(first[:, None])  # type: ignore[operator]
        return logits
