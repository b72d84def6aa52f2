"""Several labels per row: a decision for each label."""

import torch

from nlptl.core.records import Batch, LabelSpace
from nlptl.tasks.parts import divergence


def divergences(logits: torch.Tensor, others: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Returns the mean divergence over the labels, (n,), from logits (n, classes)."""
    return divergence.of_decisions(logits, others).mean(-1)


def explained(outputs: torch.Tensor, label: int, labels: LabelSpace) -> torch.Tensor:
    """Returns the logit of a label, (n,), from logits (n, classes)."""
    return outputs[:, label]
