"""Frozen linear layers that also keep their weights in bf16, if training computes in bf16.

In each forward pass autocast rounds a layer's weights anew, though frozen ones give the same each time.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial

import torch
from torch import nn
from torch.nn import functional as F

from nlptl.core.insides import works
from nlptl.core.protocols import Model
from nlptl.engine.device import Compute


@contextmanager
def rounded_once(model: Model, compute: Compute) -> Iterator[None]:
    """While entered, frozen linear layers under autocast compute with weights that are rounded at their first use.

    Args:
        model: its frozen weights must not change meanwhile.
        compute: number format; nothing changes in float32, or if the model is divided over processes.
    """
    active = compute.bf16 and not compute.sharding and _rounds_alike(compute.device)
    with _replaced([m for m in model.modules() if active and type(m) is nn.Linear and not _trains(m)]):
        yield


@contextmanager
def _replaced(layers: Sequence[nn.Linear]) -> Iterator[None]:
    for layer in layers:
        layer.forward = _Rounded(layer)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


@cache
def _rounds_alike(device: torch.device) -> bool:
    slower = "frozen layers round their weights anew in each pass"
    return works("torch", "the forward pass of nn.Linear", partial(_agrees, device), without=slower)


def _agrees(device: torch.device) -> bool:
    """Returns whether a small layer under autocast gives the same bits with weights that are rounded once."""
    layer: nn.Linear = nn.utils.skip_init(nn.Linear, 8, 4, device=device)  # type: ignore[no-untyped-call]  # draws nothing
    values = torch.arange(52.0, device=device).sin()
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16):
        layer.weight.copy_(values[:32].view(4, 8))
        layer.bias.copy_(values[32:36])
        x = values[36:].view(2, 8)
        expected = layer(x)
        with _replaced([layer]):
            return torch.equal(layer(x), expected)


def _trains(layer: nn.Linear) -> bool:
    return any(p.requires_grad for p in layer.parameters())


class _Rounded:
    """The layer's forward pass; it runs only within the layer's own call."""

    def __init__(self, layer: nn.Linear) -> None:
        self._weight, self._bias = layer.weight.detach(), None if layer.bias is None else layer.bias.detach()
        self._rounded: tuple[torch.Tensor, torch.Tensor | None] | None = None

    def __call__(self, input: torch.Tensor) -> torch.Tensor:
        if not torch.is_autocast_enabled(input.device.type):
            return F.linear(input, self._weight, self._bias)
        if self._rounded is None:
            dtype = torch.get_autocast_dtype(input.device.type)
            with torch.inference_mode(False):  # what an evaluation rounds must serve training as well
                self._rounded = self._weight.to(dtype), None if self._bias is None else self._bias.to(dtype)
        return F.linear(input, *self._rounded)
