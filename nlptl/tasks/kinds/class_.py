"""One label per row: a distribution over the labels."""

import torch

from nlptl.core.records import Batch
from nlptl.tasks.parts import divergence


def divergences(logits: torch.Tensor, others: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Returns the divergence of each feature's distributions, (n,), from logits (n, classes)."""
    return divergence.of_choices(logits, others)
