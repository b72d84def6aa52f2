"""AdamW with decay groups, and learning rates that are a function of the update."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from nlptl.core.config import TrainConfig

ADAM = {"betas": (0.9, 0.999), "eps": 1e-8}


def optimizer(
    trainable: Sequence[nn.Parameter], lr: float, weight_decay: float, *, on_device: bool = False
) -> torch.optim.AdamW:
    """Returns fused AdamW over what is trainable; biases, norms and other vectors are not decayed.

    Args:
        trainable: the parameters.
        lr: peak learning rate.
        weight_decay: decoupled decay (Loshchilov and Hutter 2019).
        on_device: whether its learning rate is kept there, for CUDA graphs, which read nothing from the host.
    """
    rate = torch.tensor(lr, device=trainable[0].device) if on_device else lr
    groups: list[dict[str, Any]] = [
        {"params": [p for p in trainable if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.ndim <= 1], "weight_decay": 0.0},
    ]
    made = torch.optim.AdamW([g for g in groups if g["params"]], lr=rate, fused=True, capturable=on_device, **ADAM)  # type: ignore[arg-type]
    made._warned_capturable_if_run_uncaptured = True  # the first update of a shape runs before it is recorded
    return made


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
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(lr)
        else:
            group["lr"] = lr


def step_if_finite(optimizer: torch.optim.Optimizer, found: torch.Tensor, max_norm: float) -> None:
    """Does a step of fused AdamW with clipped gradients, or none where loss or norm are not finite; all on the device.

    Args:
        optimizer: whose gradients are there.
        found: loss and gradient norm, (2,).
        max_norm: gradient norm above which gradients are scaled down; 0 turns clipping off.
    """
    optimizer.found_inf = 1 - found.isfinite().all().float()  # type: ignore[attr-defined]
    optimizer.grad_scale = (found[1] / (max_norm or math.inf)).clamp(min=1)  # type: ignore[attr-defined]
    optimizer.step()
    optimizer.found_inf = optimizer.grad_scale = None  # type: ignore[attr-defined]


def _cosine(done: float) -> float:
    return (1 + math.cos(math.pi * done)) / 2
