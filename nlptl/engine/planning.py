"""How many tokens fit into memory at once, from one measured step at the longest length."""

from collections.abc import Callable, Iterable
from pathlib import Path

import psutil
import torch

from nlptl.core.protocols import Model
from nlptl.engine.device import Compute
from nlptl.engine.memory import ran_out

# What a step needs beyond the values kept for its backward pass: gradients on their way, copies in bf16, evaluation.
BEYOND, USABLE = 2.0, 0.8
CGROUP = Path("/sys/fs/cgroup")


def measured(forward: Callable[[], object], model: Model, n_tokens: int, compute: Compute) -> int:
    """Returns how many tokens all processes may compute at once, at least 1.

    Args:
        forward: a step's forward pass over `n_tokens`.
        model: that it runs.
        n_tokens: of a row of the longest length, whose tokens cost most.
        compute: processes and device.
    """
    n_sharing = compute.n_processes if compute.device.type == "cpu" else 1
    try:
        fit = tokens_that_fit(kept(forward, model.parameters()), n_tokens, compute.device, n_sharing)
    except RuntimeError as error:
        if not ran_out(error):
            raise
        fit = 1
    return int(compute.from_main(lambda: str(fit)))


def tokens_that_fit(kept_bytes: int, n_tokens: int, device: torch.device, n_sharing: int) -> int:
    """Returns how many tokens may be computed at once, at least 1.

    Args:
        kept_bytes: values that a step of `n_tokens` keeps for its backward pass; see `kept`.
        n_tokens: of rows of the longest length, whose tokens cost most.
        device: that computes.
        n_sharing: processes that share its memory.
    """
    per_token = BEYOND * kept_bytes / n_tokens
    return max(1, int(USABLE * free_bytes(device) / n_sharing / max(per_token, 1.0)))


def kept(forward: Callable[[], object], weights: Iterable[torch.Tensor]) -> int:
    """Returns the bytes that a forward pass keeps for the backward pass, weights apart, each block of memory once."""
    blocks: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        blocks[storage.data_ptr()] = storage.nbytes()
        return tensor.detach()  # an operation's own output would keep the operation, and all below it, for ever

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = forward()  # kept alive until all is counted, so that no address is counted for two blocks
    del result
    for weight in weights:
        blocks.pop(weight.untyped_storage().data_ptr(), None)
    return sum(blocks.values())


def free_bytes(device: torch.device) -> int:
    """Returns the memory that a device has left for this process."""
    if device.type == "cuda":
        reserved, (unused, total) = torch.cuda.memory_reserved(device), torch.cuda.mem_get_info(device)
        granted = total * torch.cuda.get_per_process_memory_fraction(device) - reserved
        return int(max(0, min(unused, granted)) + reserved - torch.cuda.memory_allocated(device))
    available = int(psutil.virtual_memory().available)
    return min(available, _left_in_cgroup(available))


def _left_in_cgroup(otherwise: int) -> int:
    try:
        limit = (CGROUP / "memory.max").read_text().strip()
        used = int((CGROUP / "memory.current").read_text()) - _reclaimable()
        return otherwise if limit == "max" else max(0, int(limit) - used)
    except (OSError, ValueError):
        return otherwise


def _reclaimable() -> int:
    """Returns the bytes of cached files, which the system frees when memory is needed."""
    counts = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())
    return int(counts.get("inactive_file", 0)) + int(counts.get("active_file", 0))
