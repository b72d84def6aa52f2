"""The head over one vector a row."""

import torch
from torch import nn

from nlptl.models.family import Packed
from nlptl.models.heads.base import AnyHead


class Sequence(AnyHead):
    """SequenceClassification."""

    def logits(self, family: Packed, net: nn.Module, vectors: torch.Tensor) -> torch.Tensor:
        """Returns logits (n, classes) from the states of the first tokens, (n, hidden)."""
        return family.classify(net, vectors)


HEAD = Sequence()
