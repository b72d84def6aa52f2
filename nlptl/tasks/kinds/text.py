"""A new text: a distribution over the vocabulary at each of its tokens."""

import torch

from nlptl.core.records import Batch
from nlptl.tasks.parts import divergence

explained = None


def divergences(logits: torch.Tensor, others: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Returns the mean divergence over each target's tokens, (n,), from logits (n, longest, vocabulary)."""
    return divergence.over_known(divergence.of_choices(logits, others), batch.labels[:, : logits.shape[1]])
