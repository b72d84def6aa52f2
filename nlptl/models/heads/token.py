"""The head that names each token."""

import torch
from torch import nn

from nlptl.models.family import Family, Tagging, lacks
from nlptl.models.heads.base import AnyHead


class Token(AnyHead):
    """TokenClassification."""

    def logits(self, family: Family, net: nn.Module, vectors: torch.Tensor) -> torch.Tensor:
        """Returns logits (n_tokens, classes) from states (n_tokens, hidden)."""
        if not isinstance(family, Tagging):
            raise lacks(family, "tag")
        return family.tag(net, vectors)


HEAD = Token()
