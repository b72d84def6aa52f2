"""The head that names each token."""

from typing import Any

import torch
from torch import nn

from nlptl.models.heads.base import AnyHead


class Token(AnyHead):
    """TokenClassification."""

    def logits(self, family: Any, net: nn.Module, vectors: torch.Tensor) -> torch.Tensor:
        """Returns logits (n_tokens, classes) from states (n_tokens, hidden)."""
        return family.tag(net, vectors)  # type: ignore[no-any-return]


HEAD = Token()
