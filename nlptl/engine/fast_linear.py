"""Linear layers in float32, without gradients, through oneDNN where MKL has only slow kernels: on AMD.

On an AMD EPYC with AVX-512 torch's own product reaches 215 GFLOP/s, oneDNN's, which torch brings along, 480.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from nlptl.core.insides import works

CPU_INFO = Path("/proc/cpuinfo")


def fast_linear(device: torch.device) -> AbstractContextManager[Any]:
    """Returns the context in which linear layers without gradients are fast on a device."""
    return _OneDnn() if device.type == "cpu" and _pays() else nullcontext()


class _OneDnn(TorchFunctionMode):
    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is F.linear and not kwargs and _is_plain(*args):
            return _product(*args)
        return func(*args, **(kwargs or {}))


def _product(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    found: torch.Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return found


def _is_plain(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> bool:
    # A kernel is made, and kept, for each number of rows: half a megabyte. Heads, over as many rows as a batch happens
    # to have, would cost 100 MB in 20,000 texts, and gain nothing.
    is_states = x.dim() == 3
    needs_gradient = torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad)
    in_float32 = x.dtype == weight.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    return (
        is_states
        and in_float32
        and not needs_gradient
        and x.device.type == "cpu"
        and x.is_contiguous()
        and weight.is_contiguous()
    )


@cache
def _pays() -> bool:
    slower = "frozen layers and predictions in float32 take torch's own product, which is slower here"
    return _is_amd() and works("torch", "mkldnn._linear_pointwise", _agrees, without=slower)


def _agrees() -> bool:
    """Returns whether oneDNN's product of small matrices is torch's own, up to rounding."""
    x, weight = torch.arange(-12.0, 12.0).view(1, 4, 6) / 7, torch.arange(-9.0, 9.0).view(3, 6) / 5
    with torch.no_grad(), torch.autocast("cpu", enabled=False):
        pairs = [(_product(x, weight, bias), F.linear(x, weight, bias)) for bias in (torch.arange(3.0), None)]
    return all(ours.shape == own.shape and torch.allclose(ours, own, rtol=1e-5, atol=1e-5) for ours, own in pairs)


def _is_amd() -> bool:
    try:
        return "AuthenticAMD" in CPU_INFO.read_text(encoding="utf-8")
    except OSError:
        return False
