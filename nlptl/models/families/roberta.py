"""RoBERTa (Liu et al. 2019) and XLM-RoBERTa."""

from typing import Any, ClassVar

import torch
from torch import nn

from nlptl.models.families.parts.encoder import Encoder


class Roberta(Encoder):
    """RoBERTa: positions begin after the padding index; its head is two layers over the first token."""

    model_types: ClassVar[tuple[str, ...]] = ("roberta", "xlm-roberta")

    def position_offset(self, config: Any) -> int:
        """Returns padding index + 1, as fairseq numbers positions."""
        return int(config.pad_token_id) + 1

    def classify(self, net: nn.Module, first: torch.Tensor) -> torch.Tensor:
        """Returns RobertaForSequenceClassification's logits (n, classes); see `Encoder.classify`."""
        logits: torch.Tensor = net.classifier(first[:, None])  # type: ignore[operator]
        return logits
