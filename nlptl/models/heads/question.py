"""The head that finds the start and the end of an answer."""

from collections import abc
from typing import Any

import torch
from torch import nn

from nlptl.models.family import Answering, Family, lacks
from nlptl.models.heads.base import AnyHead


class Question(AnyHead):
    """QuestionAnswering."""

    def logits(self, family: Family, net: nn.Module, vectors: torch.Tensor) -> torch.Tensor:
        """Returns logits of start and end, (n_tokens, 2), from states (n_tokens, hidden)."""
        if not isinstance(family, Answering):
            raise lacks(family, "span")
        return family.span(net, vectors)

    def by_place(self, found: Any) -> torch.Tensor:
        """Returns a padded model's logits of start and end, (n, longest, 2)."""
        return torch.stack([found.start_logits, found.end_logits], -1)

    def is_own(self, raw: abc.Mapping[str, Any], names: abc.Sequence[str]) -> bool:
        """Returns whether a checkpoint has any such head: its labels are mostly not named."""
        architectures = raw.get("architectures") or ()
        return any(name.endswith("QuestionAnswering") for name in architectures) or super().is_own(raw, names)


HEAD = Question()
