"""One label per row: a distribution over the labels."""

import torch

from nlptl.core.records import Batch, LabelSpace
from nlptl.tasks.parts import divergence


def divergences(logits: torch.Tensor, others: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Returns the divergence of each feature's distributions, (n,), from logits (n, classes)."""
    return divergence.of_choices(logits, others)


def explained(outputs: torch.Tensor, label: int, labels: LabelSpace) -> torch.Tensor:
    """Returns the logit of a label, (n,), from logits (n, classes)."""
    return outputs[:, label]
