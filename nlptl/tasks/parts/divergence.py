"""The symmetric Kullback-Leibler divergence (KL(p||q) + KL(q||p)) / 2, from logits, in float32."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def of_choices(logits: "torch.Tensor", others: "torch.Tensor") -> "torch.Tensor":
    """Returns the divergence of softmax distributions over the last dimension, (...), from logits (..., choices)."""
    log_p, log_q = logits.float().log_softmax(-1), others.float().log_softmax(-1)
    return ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(-1) / 2


def of_decisions(logits: "torch.Tensor", others: "torch.Tensor") -> "torch.Tensor":
    """Returns the divergence of each yes-or-no decision, in the shape of its logits."""
    a, b = logits.float(), others.float()
    return (a.sigmoid() - b.sigmoid()) * (a - b) / 2


def over_known(each: "torch.Tensor", labels: "torch.Tensor") -> "torch.Tensor":
    """Returns the mean over each row's tokens that have a label, (n,); 0 if none has.

    Args:
        each: (n, longest).
        labels: int64 (n, longest), negative if unknown.
    """
    known = labels >= 0
    return each.masked_fill(~known, 0).sum(1) / known.sum(1).clamp(min=1)
