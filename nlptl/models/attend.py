"""Attention on a CPU, with weights that are dropped by row and position (dropout.py), and its way into transformers."""

from collections.abc import Callable

import torch
from torch.nn import functional as F
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import sdpa_mask
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from nlptl.models.dropout import dropout


def register(name: str, attention: Callable[..., tuple[torch.Tensor, None]]) -> None:
    """Makes transformers' layers call a function for their attention, with the masks of its own "sdpa".

    Args:
        name: of the function, as `attn_implementation` says it.
        attention: is called as `transformers_own` is.
    """
    AttentionInterface.register(name, attention)
    AttentionMaskInterface.register(name, sdpa_mask)


def transformers_own(*args: object, **kwargs: object) -> tuple[torch.Tensor, None]:
    """Returns what transformers' own attention, "sdpa", gives for the arguments that its layers pass."""
    result: tuple[torch.Tensor, None] = ALL_ATTENTION_FUNCTIONS["sdpa"](*args, **kwargs)
    return result


def attend(
    qkv: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    mask: torch.Tensor | None,
    scaling: float | None,
    kept: torch.Tensor | None = None,
    p: float = 0.0,
) -> torch.Tensor:
    """Returns scaled dot-product attention, computed in float32 and with gradients, (n, heads, queries, width).

    bf16 gains a CPU nothing in the backward pass of such small matrices, and each shape costs a kernel of its own.

    Args:
        qkv: queries (n, heads, queries, width), keys (n, heads, keys, width) and values.
        mask: added to the scores, float32 (1 or n, 1 or heads, 1 or queries, keys); None for nothing.
        scaling: factor of the dot products; None for 1 / sqrt(width).
        kept: int8 (n, heads, queries, keys): 0 for weights that are dropped; None if none is.
        p: probability with which they are.
    """
    q, k, v = qkv
    with torch.autocast(q.device.type, enabled=False):
        if kept is None:
            out = F.scaled_dot_product_attention(q.float(), k.float(), v.float(), attn_mask=mask, scale=scaling)
            return out.to(v.dtype)
        weights = dropout(_scores(q, k, mask, scaling).softmax(-1), kept.flatten(0, 1), p)
        return (weights @ _by_head(v)).view(q.shape).to(v.dtype)


def _scores(q: torch.Tensor, k: torch.Tensor, mask: torch.Tensor | None, scaling: float | None) -> torch.Tensor:
    scale = q.shape[-1] ** -0.5 if scaling is None else scaling
    query, key = _by_head(q), _by_head(k).transpose(1, 2)
    if mask is None:
        return query * scale @ key  # (n * heads, queries, keys)
    hidden = mask.expand(*q.shape[:2], *mask.shape[2:]).flatten(0, 1)
    return torch.baddbmm(hidden, query, key, alpha=scale)  # filling places later takes a pass more


def _by_head(x: torch.Tensor) -> torch.Tensor:
    # Type and order change in one pass.
    return x.to(torch.float32, memory_format=torch.contiguous_format).flatten(0, 1)
