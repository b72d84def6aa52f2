"""AdamW with decay groups, and learning rates that are a function of the update."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from nlptl.config import TrainConfig

ADAM = {"betas": (0.9, 0.999), "eps": 1e-8}


def optimizer(trainable: Sequence[nn.Parameter], lr: float, weight_decay: float) -> torch.optim.AdamW:
    """Returns fused AdamW over what is trainable; biases, norms and other vectors are not decayed.

    Args:
        trainable: the parameters.
        lr: peak learning rate.
        weight_decay: decoupled decay (Loshchilov and Hutter 2019).
    """
    groups: list[dict[str, Any]] = [
        {"params": [p for p in trainable if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=lr, fused=True, **ADAM)  # type: ignore[arg-type]


def lr_factor(update: int, n_updates: int, config: TrainConfig) -> float:
    """Returns the share of the peak learning rate that an update takes.

    Args:
        update: from 0.
        n_updates: of the whole run.
        config: schedule and warm-up.
    """
    default = 0.3 if config.schedule == "one_cycle" else 0.06
    warmup = config.warmup if config.warmup is not None else math.ceil(default * n_updates)
    if update < warmup:
        done = (update + 1) / warmup
        return _cosine(1 - done) if config.schedule == "one_cycle" else done
    left = (n_updates - update) / max(1, n_updates - warmup)
    if config.schedule == "constant":
        return 1.0
    return left if config.schedule == "linear" else _cosine(1 - left)


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Sets the learning rate of all groups."""
    for group in optimizer.param_groups:
        group["lr"] = lr


def _cosine(done: float) -> float:
    return (1 + math.cos(math.pi * done)) / 2
