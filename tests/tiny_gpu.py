"""A GPU that computes nothing: torch's meta device, whose tensors have shapes and no values.

It says what would fail on a real one: shapes that do not fit, operations over two devices, and values that the host
asks for, which no CUDA graph can hold and for which the host waits.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import fields, replace
from typing import Any
from unittest import mock

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from nlptl.core.records import Batch
from nlptl.engine.device import Compute
from nlptl.models import varlen

DEVICE, HOST = torch.device("meta"), ("lengths", "rows")


class OnGpu(Compute):
    """Computes there; torch has no bf16 for it."""

    device = DEVICE

    def autocast(self) -> Any:
        """Returns a context in which nothing is cast."""
        return nullcontext()


class _OneDevice(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None) -> Any:
        out = func(*args, **(kwargs or {}))
        tensors = (x for x in tree_leaves((args, kwargs, out)) if isinstance(x, torch.Tensor))
        devices = {tensor.device.type for tensor in tensors if tensor.dim()}  # a scalar of the host is a constant
        assert len(devices) <= 1, f"{func} over {devices}"
        return out


@contextmanager
def gpu() -> Iterator[None]:
    """While entered, attention goes through the GPU's kernel, and nothing passes between host and GPU."""
    with mock.patch.object(varlen, "takes", lambda query: query.device == DEVICE), _OneDevice():
        yield


def batch(given: Batch) -> Batch:
    """Returns a batch there; what the host keeps stays."""
    values = {field.name: getattr(given, field.name) for field in fields(given)}
    on_device = {n: v for n, v in values.items() if isinstance(v, torch.Tensor) and n not in HOST}
    return replace(given, **{name: value.to(DEVICE) for name, value in on_device.items()})
