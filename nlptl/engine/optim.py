"""AdamW with groups of parameters, and learning rates that are a function of the update."""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import nn

from nlptl.core.config import TrainConfig
from nlptl.core.insides import works
from nlptl.engine.sharding import divided, whole

ADAM = {"betas": (0.9, 0.999), "eps": 1e-8}


class Rate(NamedTuple):
    """Learning-rate factor and weight decay of a parameter."""

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
        rates: exceptions for single parameters, by name.
        on_device: whether the learning rate is on the device, for CUDA graphs, which read nothing from the host.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for p in sorted(trainable, key=_is_vector):
        factor, decay = (rates or {}).get(p, Rate())
        usual = 0.0 if _is_vector(p) else weight_decay
        groups.setdefault((factor, usual if decay is None else decay), []).append(p)
    device = trainable[0].device
    return torch.optim.AdamW(
        [_group(own, lr, key, device if on_device else None) for key, own in groups.items()],
        fused=True,
        capturable=on_device,
        **ADAM,  # type: ignore[arg-type]
    )


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
    """Returns an update's learning rate as a share of the peak.

    Args:
        update: from 0.
        n_updates: of the whole run.
        config: schedule and warm-up.
    """
    warmup = config.warmup or 0
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


def step(optimizer: torch.optim.Optimizer, norm: torch.Tensor, max_norm: float) -> None:
    """Takes a step of fused AdamW with clipped gradients.

    Args:
        optimizer: its parameters have gradients.
        norm: of all gradients, finite.
        max_norm: norm above which gradients are scaled down; 0 turns clipping off.
    """
    scale = norm / max_norm if max_norm and float(norm) > max_norm else None
    if scale is None or scales_on_the_way():
        _step(optimizer, scale)
        return
    for parameter in (p for group in optimizer.param_groups for p in group["params"] if p.grad is not None):
        parameter.grad.div_(float(scale))
    optimizer.step()


def step_if_finite(optimizer: torch.optim.Optimizer, found: torch.Tensor, max_norm: float) -> None:
    """Takes a step of fused AdamW with clipped gradients; skips it on the device if loss or norm is not finite.

    Args:
        optimizer: its parameters have gradients.
        found: loss and gradient norm, (2,).
        max_norm: gradient norm above which gradients are scaled down; 0 turns clipping off.
    """
    _step(optimizer, (found[1] / (max_norm or math.inf)).clamp(min=1), 1 - found.isfinite().all().float())


def _step(optimizer: torch.optim.Optimizer, scale: torch.Tensor | None, skip: torch.Tensor | None = None) -> None:
    """Does a step that divides the gradients by `scale` on the way, and none if `skip` is 1.

    Torch's fused optimizers have these attributes for its GradScaler; a division before it would pass over all
    gradients once more, and a decision on the host would wait for the device.
    """
    optimizer.grad_scale, optimizer.found_inf = scale, skip  # type: ignore[attr-defined]
    optimizer.step()
    optimizer.grad_scale = optimizer.found_inf = None  # type: ignore[attr-defined]


@cache
def scales_on_the_way() -> bool:
    """Returns whether fused AdamW divides gradients, and leaves out a step, as its private attributes say."""
    slower = "gradients are clipped in a pass of their own, and train.cuda_graph is refused"
    return works("torch", "AdamW.grad_scale with found_inf", _agrees, without=slower)


def _agrees() -> bool:
    gradient = torch.arange(1.0, 5.0)

    def stepped(gradient: torch.Tensor, scale: float | None = None, skip: float | None = None) -> torch.Tensor:
        weight = nn.Parameter(torch.zeros(4))
        made, weight.grad = torch.optim.AdamW([weight], lr=0.1, fused=True), gradient
        _step(made, *(None if value is None else torch.tensor(value) for value in (scale, skip)))
        (state,) = made.state.values()
        return torch.stack((weight.detach(), state["exp_avg"]))

    with torch.inference_mode(False):
        halved = torch.equal(stepped(gradient.clone(), 2.0), stepped(gradient / 2))
        return halved and not stepped(gradient.clone(), 1.0, 1.0)[0].any()


def _cosine(done: float) -> float:
    return (1 + math.cos(math.pi * done)) / 2
