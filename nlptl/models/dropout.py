"""Dropout that costs little on a CPU, where torch draws one random number at a time for each value."""

import torch
from torch import nn
from torch.nn import functional as F

N_LEVELS = 2**16  # probabilities are rounded to 1 / 65,536


def dropout(x: torch.Tensor, p: float) -> torch.Tensor:
    """Returns x with each value dropped with probability p and the others scaled by 1 / (1 - p).

    On a CPU one 64-bit draw from torch's generator serves four values; elsewhere this is torch's own dropout.

    Args:
        x: any shape.
        p: from 0 to below 1.
    """
    if x.device.type != "cpu":
        return F.dropout(x, p)
    draws = torch.empty((x.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
    levels = draws.view(torch.int16)[: x.numel()].view(x.shape)  # uniform over -32768 .. 32767
    # A byte a value is kept for the backward pass; torch's loops over bool take several times as long as over int8.
    kept = torch.ge(levels, round(p * N_LEVELS) - N_LEVELS // 2, out=torch.empty(x.shape, dtype=torch.int8))
    return (x * kept).mul_(1 / (1 - p))


class Dropout(nn.Dropout):
    """`nn.Dropout` through `dropout`; a module becomes one by changing its class, so that no name changes."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Returns the input with dropout in training mode, else as it is."""
        return dropout(input, self.p) if self.training and self.p > 0 else input
