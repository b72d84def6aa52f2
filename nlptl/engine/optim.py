"""AdamW with groups of parameters, and learning rates that are a function of the update."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import nn

from nlptl.core.config import TrainConfig
from nlptl.engine.sharding import divided, whole

ADAM = {"betas": (0.9, 0.999), "eps": 1e-8}


class Rate(NamedTuple):
    """How a parameter is optimized."""

    lr_factor: float = 1.0
    """Times the run's learning rate."""
    weight_decay: float | None = None
    """None: the run's; 0 for biases, norms and other vectors."""


def optimizer(
    trainable: Sequence[nn.Parameter],
    lr: float,
    weight_decay: float,
    *,
    rates: Mapping[nn.Parameter, Rate] | None = None,
    on_device: bool = False,
) -> torch.optim.AdamW:
    """Returns fused AdamW over what is trainable; biases, norms and other vectors are not decayed.

    Args:
        trainable: the parameters.
        lr: peak learning rate.
        weight_decay: decoupled decay (Loshchilov and Hutter 2019).
        rates: of parameters that are not optimized as the others.
        on_device: whether its learning rate is kept there, for CUDA graphs, which read nothing from the host.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for p in sorted(trainable, key=_is_vector):
        factor, decay = (rates or {}).get(p, Rate())
        usual = 0.0 if _is_vector(p) else weight_decay
        groups.setdefault((factor, usual if decay is None else decay), []).append(p)
    device = trainable[0].device
    made = torch.optim.AdamW(
        [_group(own, lr, key, device if on_device else None) for key, own in groups.items()],
        fused=True,
        capturable=on_device,
        **ADAM,  # type: ignore[arg-type]
    )
    made._warned_capturable_if_run_uncaptured = True  # the first update of a shape runs before it is recorded
    return made


def _is_vector(parameter: nn.Parameter) -> bool:
    return parameter.ndim <= 1


def _group(
    parameters: list[nn.Parameter], lr: float, key: tuple[float, float], device: torch.device | None
) -> dict[str, Any]:
    factor, decay = key
    rate = lr * factor if device is None else torch.tensor(lr * factor, device=device)
    return {"params": parameters, "lr": rate, "lr_factor": factor, "weight_decay": decay}


def moments(optimizer: torch.optim.Optimizer, names: Mapping[torch.Tensor, str]) -> dict[str, torch.Tensor]:
    """Returns an optimizer's state by parameter name, such as "net.classifier.weight.exp_avg".

    Args:
        optimizer: any of torch's.
        names: of its parameters.
    """
    states = ((names[p], state) for p, state in optimizer.state.items())
    return {f"{name}.{key}": torch.as_tensor(v) for name, state in states for key, v in state.items()}


def set_moments(
    optimizer: torch.optim.Optimizer, names: Mapping[torch.Tensor, str], state: Mapping[str, torch.Tensor]
) -> None:
    """Gives an optimizer the state of its parameters; a parameter without any begins anew.

    Args:
        optimizer: any of torch's.
        names: of its parameters.
        state: as `moments`; other parameters may be in it.
    """
    by_name: dict[str, dict[str, torch.Tensor]] = {}
    for name, tensor in state.items():
        parameter, _, key = name.rpartition(".")
        by_name.setdefault(parameter, {})[key] = tensor
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    found = {
        i: {key: divided(whole(v), p) for key, v in by_name[names[p]].items()}
        for i, p in enumerate(parameters)
        if names[p] in by_name
    }
    if found:
        optimizer.load_state_dict({"state": found, "param_groups": optimizer.state_dict()["param_groups"]})


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
    """Sets the learning rate of all groups, each times its own factor."""
    for group in optimizer.param_groups:
        rate = lr * group.get("lr_factor", 1.0)
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


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
