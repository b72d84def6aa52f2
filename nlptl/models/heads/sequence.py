"""The head over one vector a row."""

import torch
from torch import nn

from nlptl.models.family import Classifying, Family, lacks
from nlptl.models.heads.base import AnyHead


class Sequence(AnyHead):
    """SequenceClassification."""

    def logits(self, family: Family, net: nn.Module, vectors: torch.Tensor) -> torch.Tensor:
        """Returns logits (n, classes) from the states of the first tokens, (n, hidden)."""
        if not isinstance(family, Classifying):
            raise lacks(family, "classify")
        return family.classify(net, vectors)


HEAD = Sequence()
