"""Sequences that lie one after the other, without padding, and attention within each of them.

Every layer but attention works token by token, so it can run on the flat tokens of a batch, (1, n_tokens, hidden). Only
attention has to know where a sequence ends: GPUs have kernels for that (varlen.py), elsewhere it lays the tokens out in
rows (rows.py).
"""

from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import sdpa_mask
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from nlptl.core.records import Batch
from nlptl.models import varlen
from nlptl.models.dropout import dropout as dropped
from nlptl.models.rows import Rows

NAME = "nlptl_packed"
ROUND_TOKENS = 32  # of a batch of some hundred tokens, 4 %


class Packing:
    """Where the sequences of a flat batch begin and end.

    On a CPU matrix kernels are made, and kept, for each number of tokens. A few empty tokens behind the last sequence
    make the numbers come back; for attention they are a sequence of their own.

    Args:
        batch: the sequences.
    """

    def __init__(self, batch: Batch) -> None:
        self.boundaries, self.longest = batch.boundaries, batch.longest
        self._lengths, self._device = batch.lengths.numpy(), batch.boundaries.device
        self.n_empty = -int(self._lengths.sum()) % ROUND_TOKENS if self._device.type == "cpu" else 0
        """Tokens behind the last sequence."""

    @cached_property
    def rows(self) -> Rows:
        """Where attention lays the tokens, the empty ones among them."""
        return Rows.of(np.append(self._lengths, self.n_empty) if self.n_empty else self._lengths, self._device)


def attention(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    packing: Packing | None = None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Returns scaled dot-product attention within each sequence, (1, n_tokens, heads, width), and no weights.

    Args:
        module: the attention layer.
        query: (1, heads, n_tokens, width); key and value likewise.
        key: see query.
        value: see query.
        attention_mask: used only without `packing`, for a padded batch.
        packing: where the sequences are; None for a padded batch, which goes to transformers' own function.
        dropout: probability with which attention weights are dropped.
        scaling: factor of the dot products.
        kwargs: what transformers passes to every attention function.
    """
    if packing is None:
        plain = ALL_ATTENTION_FUNCTIONS["sdpa"]
        result: tuple[torch.Tensor, None] = plain(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **kwargs
        )
        return result
    if varlen.takes(query):
        sequences = (packing.boundaries, packing.longest)
        return varlen.attention(query, key, value, *sequences, dropout=dropout, scaling=scaling), None
    rows = packing.rows
    laid = (rows.laid(x.squeeze(0).transpose(0, 1)) for x in (query, key, value))
    masks = (group.mask for group in rows.groups)
    parts = [_attend(q, k, v, mask, dropout, scaling) for q, k, v, mask in zip(*laid, masks, strict=True)]
    return rows.flat(parts)[None], None


def _attend(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None, p: float, scaling: float | None
) -> torch.Tensor:
    if q.device.type == "cpu" and (p > 0 or torch.is_grad_enabled()):
        return _in_float32(q, k, v, mask, p, scaling)
    mask = None if mask is None else mask.to(q.dtype)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=p, scale=scaling)


def _in_float32(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None, p: float, scaling: float | None
) -> torch.Tensor:
    # bf16 gains a CPU nothing in the backward pass of such small matrices, and each shape costs a kernel of its own.
    with torch.autocast(q.device.type, enabled=False):
        if p == 0:
            out = F.scaled_dot_product_attention(q.float(), k.float(), v.float(), attn_mask=mask, scale=scaling)
            return out.to(v.dtype)
        return _dropping(q, k, v, mask, p, scaling)


def _dropping(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None, p: float, scaling: float | None
) -> torch.Tensor:
    n, heads = q.shape[:2]
    scale = q.shape[-1] ** -0.5 if scaling is None else scaling
    # Type and order change in one pass.
    query, key, value = (x.to(torch.float32, memory_format=torch.contiguous_format).flatten(0, 1) for x in (q, k, v))
    if mask is None:
        scores = query * scale @ key.transpose(1, 2)  # (n * heads, length, length)
    else:
        hidden = mask.expand(n, heads, *mask.shape[2:]).flatten(0, 1)
        scores = torch.baddbmm(
            hidden, query, key.transpose(1, 2), alpha=scale
        )  # filling places later takes a pass more
    out = dropped(scores.softmax(-1), p) @ value
    return out.view(q.shape).to(v.dtype)


AttentionInterface.register(NAME, attention)
AttentionMaskInterface.register(NAME, sdpa_mask)
