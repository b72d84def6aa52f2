"""Attention over sequences of different lengths in one kernel, flash attention (Dao 2023), in half precision."""

from functools import cache, partial

import torch
from torch.nn import functional as F

from nlptl.core.insides import works

HALF = (torch.bfloat16, torch.float16)
LARGEST_WIDTH, CAPABILITY = 256, (8, 0)
MOST_ERROR = 0.03  # of values up to 1 in bf16


def takes(query: torch.Tensor) -> bool:
    """Returns whether the kernel takes such queries, (1, heads, n_tokens, width)."""
    return runs(query.device, query.dtype, query.shape[-1])


@cache
def runs(device: torch.device, dtype: torch.dtype, width: int) -> bool:
    """Returns whether a device has the kernel for values of a type, in heads of a width."""
    if device.type != "cuda" or dtype not in HALF or width % 8 or width > LARGEST_WIDTH:
        return False
    if torch.cuda.get_device_capability(device) < CAPABILITY:
        return False
    slower = "attention lays sequences out in rows, which is slower"
    return works("torch", "flash attention over sequences", partial(_agrees, device, dtype, width), without=slower)


def attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    boundaries: torch.Tensor,
    longest: int,
    *,
    dropout: float,
    scaling: float | None,
) -> torch.Tensor:
    """Returns scaled dot-product attention within each sequence, (1, n_tokens, heads, width).

    Args:
        query: (1, heads, n_tokens, width); key and value likewise.
        key: see query.
        value: see query.
        boundaries: int32 (n + 1,): where each sequence begins, and the end.
        longest: tokens of the longest sequence, or more.
        dropout: probability with which attention weights are dropped.
        scaling: factor of the dot products.
    """
    kernel = _dropping if dropout else _kernel
    q, k, v = (x.squeeze(0).transpose(0, 1) for x in (query, key, value))  # (n_tokens, heads, width)
    return kernel((q, k, v), boundaries, longest, scaling, dropout).unsqueeze(0)


QKV = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def _kernel(qkv: QKV, boundaries: torch.Tensor, longest: int, scaling: float | None, _: float = 0.0) -> torch.Tensor:
    from torch.nn.attention.varlen import varlen_attn  # a prototype: it may move

    out = varlen_attn(*qkv, boundaries, boundaries, longest, longest, scale=scaling)
    return out  # type: ignore[return-value]  # a pair only if asked for


def _dropping(qkv: QKV, boundaries: torch.Tensor, longest: int, scaling: float | None, dropout: float) -> torch.Tensor:
    """varlen_attn leaves out dropout, which the kernel under it has, and nested tensors use."""
    ends = (boundaries, boundaries, longest, longest)
    out: torch.Tensor = torch.ops.aten._flash_attention_forward(*qkv, *ends, dropout, False, False, scale=scaling)[0]
    return out


def _agrees(device: torch.device, dtype: torch.dtype, width: int) -> bool:
    """Returns whether both kernels give for two short sequences what torch gives for each, up to rounding."""
    sizes, longest = (3, 5), 8  # more than the longest, as in a CUDA graph
    boundaries = torch.tensor([0, 3, 8], dtype=torch.int32, device=device)
    with torch.no_grad(), torch.autocast(device.type, enabled=False):
        values = torch.arange(3 * sum(sizes) * 2 * width, device=device).sin()
        q, k, v = values.view(3, sum(sizes), 2, width).to(dtype).unbind()
        expected = _by_sequence((q, k, v), sizes)
        found = [kernel((q, k, v), boundaries, longest, 0.3, 0.0) for kernel in (_kernel, _dropping)]
    return all(out.shape == q.shape and torch.allclose(out.float(), expected, atol=MOST_ERROR) for out in found)


def _by_sequence(qkv: QKV, sizes: tuple[int, ...]) -> torch.Tensor:
    each = zip(*(torch.split(x.float().transpose(0, 1), list(sizes), dim=1) for x in qkv), strict=True)
    parts = [F.scaled_dot_product_attention(q, k, v, scale=0.3) for q, k, v in each]
    return torch.cat(parts, dim=1).transpose(0, 1)
