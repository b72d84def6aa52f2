"""Where a run computes: processes, device, number format."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType, broadcast_object_list

from nlptl.core.errors import InputError
from nlptl.core.result import Machine
from nlptl.engine import memory, sharding
from nlptl.engine.sharding import Sharding


@dataclass(frozen=True)
class Compute:
    """The processes, the device and the number format of a run."""

    accelerator: Accelerator
    bf16: bool
    """Whether matrix products are computed in bf16; weights, sums and optimizer stay in float32."""
    sharding: Sharding | None = None
    """How what is trained is divided over the processes; None: it is whole in each."""

    @property
    def device(self) -> torch.device:
        """This process's device."""
        device: torch.device = self.accelerator.device
        return device

    @property
    def rank(self) -> int:
        """This process's number, from 0."""
        return int(self.accelerator.process_index)

    @property
    def n_processes(self) -> int:
        """How many processes share the run."""
        return int(self.accelerator.num_processes)

    @property
    def is_main(self) -> bool:
        """Whether this process writes and prints."""
        return bool(self.accelerator.is_main_process)

    @property
    def machine(self) -> Machine:
        """What this process and the others compute on."""
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else self.device.type
        return Machine(name, self.n_processes, torch.get_num_threads())

    def autocast(self) -> torch.autocast:
        """Returns the context in which models run."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)

    @property
    def precision(self) -> Literal["fp32", "bf16"]:
        """The number format of matrix products, "fp32" or "bf16"."""
        return "bf16" if self.bf16 else "fp32"

    def exact(self) -> "Compute":
        """Returns this with float32."""
        return replace(self, bf16=False)

    def evaluating(self, precision: str) -> "Compute":
        """Returns this with the number format of the final evaluation.

        Args:
            precision: "fp32", "bf16", or "auto": as training on a GPU, float32 on a processor.
        """
        on_gpu = self.device.type == "cuda"
        return replace(self, bf16=precision == "bf16" or (precision == "auto" and on_gpu and self.bf16))

    def at(self, precision: str) -> "Compute":
        """Returns this with a number format: see `start`."""
        return replace(self, bf16=precision == "bf16" or (precision == "auto" and has_bf16()))

    def sum(self, tensor: torch.Tensor) -> torch.Tensor:
        """Returns the sum of a tensor over all processes."""
        if self.n_processes == 1:
            return tensor
        total: torch.Tensor = self.accelerator.reduce(tensor, "sum")
        return total

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """Returns for each flag whether it is set in at least one process."""
        if self.n_processes == 1:
            return flags
        found = torch.tensor(flags, dtype=torch.float32, device=self.device)
        return tuple(count > 0 for count in self.sum(found).tolist())

    def from_main(self, action: Callable[[], str | None]) -> str:
        """Calls a function in the main process and returns its result in every process; "" for None.

        Raises:
            InputError: the call raised it; it is then raised in every process.
        """
        answer: list[str | None] = [None, None]
        if self.is_main:
            try:
                answer[0] = action() or ""
            except InputError as error:
                answer[1] = str(error)
        if self.n_processes > 1:
            broadcast_object_list(answer)
        if answer[0] is None:
            raise InputError(answer[1])
        return answer[0]

    def tensor_from_main(self, tensor: torch.Tensor) -> torch.Tensor:
        """Returns the main process's tensor, in every process.

        Args:
            tensor: in the main process the values; in the others any of the same shape and type.
        """
        sent = tensor.to(self.device).contiguous()
        torch.distributed.broadcast(sent, 0)
        return sent.to(tensor.device)

    def wait(self) -> None:
        """Waits until every process has called this."""
        self.accelerator.wait_for_everyone()


def start(precision: str) -> Compute:
    """Returns where and how this process computes.

    Args:
        precision: "fp32", "bf16", or "auto": bf16 if the machine computes it natively.

    Raises:
        InputError: the launcher started several processes without a process group.
    """
    memory.keep()
    divided = sharding.asked_for()
    accelerator = Accelerator(cpu=not torch.cuda.is_available())
    if "MASTER_PORT" in os.environ and "ACCELERATE_MIXED_PRECISION" in os.environ and "WORLD_SIZE" not in os.environ:
        # What accelerate launch sets for several processes when, without a GPU, it starts only one.
        raise InputError(
            "accelerate launch was asked for several processes and started a single one: on machines without a GPU "
            "launch with torchrun --nproc_per_node N"
        )
    expected = int(os.environ.get("WORLD_SIZE", "1"))
    if accelerator.num_processes != expected:
        raise InputError(
            f"the launcher started {expected} processes, but this one sees {accelerator.num_processes}: they would "
            "train apart; on machines without a GPU launch with torchrun --nproc_per_node N"
        )
    if accelerator.distributed_type == DistributedType.MEGATRON_LM:
        raise InputError(f"Megatron-LM is not supported; {sharding.READY}")
    if accelerator.mixed_precision not in ("no", "bf16"):
        raise InputError(f"mixed precision {accelerator.mixed_precision} is not supported: launch with no or bf16")
    return Compute(accelerator, False, divided if expected > 1 else None).at(precision)


def has_bf16() -> bool:
    """Returns whether the device multiplies bf16 matrices natively."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, bool)() for name in checks)
