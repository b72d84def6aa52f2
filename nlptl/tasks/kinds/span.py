"""A piece of the context: two distributions over the tokens, of its start and of its end."""

import torch

from nlptl.core.records import Batch
from nlptl.tasks.parts import divergence
from nlptl.tasks.parts.places import places

explained = None
OUTSIDE = torch.finfo(torch.float32).min


def divergences(logits: torch.Tensor, others: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Returns the mean divergence of start and end over the tokens of each feature, (n,), from logits (n_tokens, 2)."""
    mask = places(batch, logits.device)

    def by_row(flat: torch.Tensor) -> torch.Tensor:
        rows = torch.full((*mask.shape, 2), OUTSIDE, device=flat.device)
        rows[mask] = flat.float()
        return rows.transpose(1, 2)  # (n, 2, longest)

    return divergence.of_choices(by_row(logits), by_row(others)).mean(-1)
