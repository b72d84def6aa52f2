"""Attention over sequences of unlike lengths in one kernel: flash attention (Dao 2023), in half precision on GPUs."""

import torch
from torch.nn.attention.varlen import varlen_attn

HALF = (torch.bfloat16, torch.float16)
LARGEST_WIDTH, CAPABILITY = 256, (8, 0)


def takes(query: torch.Tensor) -> bool:
    """Returns whether the kernel takes such queries, (1, heads, n_tokens, width)."""
    return runs(query.device, query.dtype, query.shape[-1])


def runs(device: torch.device, dtype: torch.dtype, width: int) -> bool:
    """Returns whether a device has the kernel for values of a type, in heads of a width."""
    if device.type != "cuda" or dtype not in HALF or width % 8 or width > LARGEST_WIDTH:
        return False
    return torch.cuda.get_device_capability(device) >= CAPABILITY


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
    q, k, v = (x.squeeze(0).transpose(0, 1) for x in (query, key, value))  # (n_tokens, heads, width)
    ends = (boundaries, boundaries, longest, longest)
    if dropout == 0:
        out = varlen_attn(q, k, v, *ends, scale=scaling)
    else:  # varlen_attn leaves out dropout, which the kernel under it has, and nested tensors use
        out = torch.ops.aten._flash_attention_forward(q, k, v, *ends, dropout, False, False, scale=scaling)[0]
    result: torch.Tensor = out.unsqueeze(0)  # type: ignore[union-attr]
    return result
