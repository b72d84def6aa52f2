"""Trained weights, gradients and optimizer state divided over the processes (FSDP2).

The rest of nlptl does not notice: the model is whole when it is evaluated or saved. Frozen weights are whole in
every process, because they have neither gradients nor optimizer state.
"""

import copy
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from nlptl.core.errors import InputError
from nlptl.core.protocols import Model

READY = "recipes/accelerate has files that work"
NOT_READ = {  # variables that accelerate launch sets from its configuration, and values that change nothing
    "FSDP_OFFLOAD_PARAMS": ("false", "fsdp_offload_params is not supported"),
    "FSDP_ACTIVATION_CHECKPOINTING": (
        "false",
        "fsdp_activation_checkpointing is not read: use train.gradient_checkpointing",
    ),
    "ACCELERATE_DEEPSPEED_OFFLOAD_OPTIMIZER_DEVICE": ("none", "offload_optimizer_device is not supported"),
    "ACCELERATE_DEEPSPEED_OFFLOAD_PARAM_DEVICE": ("none", "offload_param_device is not supported"),
    "ACCELERATE_DEEPSPEED_CONFIG_FILE": ("none", "deepspeed_config_file is not read: set zero_stage in its place"),
}


@dataclass(frozen=True)
class Sharding:
    """The sharding that the launcher was configured for."""

    reshard_after_forward: bool
    """Whether a layer's weights are given up between its forward and its backward pass: stage 3 of ZeRO, else 2
    (Rajbhandari et al. 2020)."""


def asked_for() -> Sharding | None:
    """Returns what accelerate launch was configured for, None for whole models in all processes.

    Of DeepSpeed's configuration the stage is read; FSDP2 divides what that stage divides. DeepSpeed's own engine would
    keep its state in pickles that depend on the number of processes.

    Raises:
        InputError: this kind of sharding is not supported.
    """
    fsdp, deepspeed = _is_set("ACCELERATE_USE_FSDP"), _is_set("ACCELERATE_USE_DEEPSPEED")
    if not fsdp and not deepspeed:
        return None
    for name, (usual, why) in NOT_READ.items():
        if os.environ.get(name, usual).lower() != usual:
            raise InputError(f"{why}; {READY}")
    if deepspeed:
        os.environ["ACCELERATE_USE_DEEPSPEED"] = "false"  # accelerate would ask for its engine
        stage = int(os.environ.get("ACCELERATE_DEEPSPEED_ZERO_STAGE", "2"))
        return Sharding(stage == 3) if stage else None
    if os.environ.get("FSDP_VERSION", "1") != "2":
        raise InputError(f"FSDP version 1 is not supported: set fsdp_version to 2; {READY}")
    os.environ["FSDP_CPU_RAM_EFFICIENT_LOADING"] = "false"  # transformers would load weights in one process only
    return Sharding(_is_set("FSDP_RESHARD_AFTER_FORWARD", "true"))


def _is_set(name: str, default: str = "false") -> bool:
    return os.environ.get(name, default).lower() in ("true", "1", "yes")


class Shards:
    """Inside, each process holds only its shard; the original's trained parameters are empty until exit.

    Args:
        model: to be trained; `Shards.model` is trained in its place.
        device: of this process.
        n_processes: over which it is divided.
        sharding: how; None: not at all, and `model` is the model itself.
        shared: tensors beside the frozen weights that both models may use.
    """

    def __init__(
        self,
        model: Model,
        device: torch.device,
        n_processes: int,
        sharding: Sharding | None,
        shared: Iterable[torch.Tensor] = (),
    ) -> None:
        self.model, self._whole, self._sharding, self._shared = model, model, sharding, tuple(shared)
        self._mesh = (device.type, (n_processes,))

    def __enter__(self) -> "Shards":
        """Divides the weights."""
        if self._sharding:
            self._divide(reshard_after_forward=self._sharding.reshard_after_forward)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Gives the model its trained weights, unless this process failed: the others may be gone."""
        if self._sharding and kind is None:
            self._gather()

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Lends the model its trained weights, as an evaluation needs them."""
        if not self._sharding:
            yield
            return
        self._gather()
        yield
        self._release()

    def _divide(self, **options: Any) -> None:
        frozen = {p for p in self._whole.parameters() if not p.requires_grad}
        self.model = copy.deepcopy(self._whole, {id(tensor): tensor for tensor in (*frozen, *self._shared)})
        self._release()
        options |= {"mesh": init_device_mesh(*self._mesh), "ignored_params": frozen}
        parts: list[Any] = [*self.model.blocks(), self.model]
        for part in parts:
            fully_shard(part, **options)
        for module in self.model.modules():
            if isinstance(module, FSDPModule):  # gradients are added up; by default it is their mean
                module.set_force_sum_reduction_for_comms(True)
                module.set_gradient_divide_factor(1.0)

    def _gather(self) -> None:
        own = dict(self._whole.named_parameters())
        for name, shard in self.model.named_parameters():
            if own[name].requires_grad:
                own[name].data = whole(shard.detach())

    def _release(self) -> None:
        for parameter in self._whole.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.new_empty(0)


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """Returns the whole tensor. If each process holds only a part, every process must call this."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def part(tensor: torch.Tensor) -> torch.Tensor:
    """Returns what this process holds of a tensor: the same memory. The tensor has no gradients."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def divided(values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Returns this process's part of a whole tensor if `like` is divided, else the whole tensor."""
    if not isinstance(like, DTensor) or isinstance(values, DTensor) or values.shape != like.shape:
        return values
    return distribute_tensor(values.to(like.device), like.device_mesh, like.placements, src_data_rank=None)
