"""A tag for each word: a distribution over the tags at each word's first token."""

import torch

from nlptl.core.records import Batch
from nlptl.tasks.parts import divergence
from nlptl.tasks.parts.places import places

explained = None


def divergences(logits: torch.Tensor, others: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Returns the mean divergence over each feature's tagged tokens, (n,), from logits (n_tokens, classes)."""
    mask = places(batch, logits.device)
    each = torch.zeros(mask.shape, device=logits.device)
    each[mask] = divergence.of_choices(logits, others)
    return divergence.over_known(each, batch.labels[:, : mask.shape[1]])
