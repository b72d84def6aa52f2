"""Sequences one after the other, without padding, and attention within each of them.

Every layer but attention works token by token, so it can run on the flat tokens of a batch, (1, n_tokens, hidden). Only
attention has to know where a sequence ends: GPUs have kernels for that (varlen.py), elsewhere it lays the tokens out in
rows (rows.py).
"""

from collections.abc import Iterator
from functools import cached_property
from itertools import repeat

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from nlptl.core.records import Batch
from nlptl.models import varlen
from nlptl.models.attend import attend, register, transformers_own
from nlptl.models.dropout import Draws, Place
from nlptl.models.rows import Rows

NAME = "nlptl_packed"
ROUND_TOKENS = 32  # of a batch of some hundred tokens, 4 %


class Packing:
    """The boundaries of the sequences in a flat batch.

    On a CPU matrix kernels are made, and kept, for each number of tokens. A few empty tokens after the last sequence
    make the numbers come back; for attention they are a sequence of their own.

    Args:
        batch: the sequences.
    """

    def __init__(self, batch: Batch) -> None:
        self.boundaries, self.longest = batch.boundaries, batch.longest
        self._keys: list[torch.Tensor] | None = None
        self._lengths, self._device = batch.lengths.numpy(), batch.boundaries.device
        self.n_empty = -int(self._lengths.sum()) % ROUND_TOKENS if self._device.type == "cpu" else 0
        """Empty tokens after the last sequence."""

    @cached_property
    def rows(self) -> Rows:
        """Where attention lays the tokens, the empty ones among them."""
        return Rows.of(np.append(self._lengths, self.n_empty) if self.n_empty else self._lengths, self._device)

    def keys(self, draws: Draws) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Returns what each group of rows draws from, (n, width) of those that attend and of those attended to."""
        if self._keys is None:
            flat = draws.keys((1, int(self._lengths.sum()) + self.n_empty))
            self._keys = [keys.flatten(1) for keys in self.rows.laid(flat.view(-1, 1, 1))]
        return [(keys, keys) for keys in self._keys]


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
    **kwargs: object,
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
        given = (module, query, key, value, attention_mask)
        return transformers_own(*given, dropout=dropout, scaling=scaling, **kwargs)
    if varlen.takes(query):
        sequences = (packing.boundaries, packing.longest)
        return varlen.attention(query, key, value, *sequences, dropout=dropout, scaling=scaling), None
    rows = packing.rows
    laid = (rows.laid(x.squeeze(0).transpose(0, 1)) for x in (query, key, value))
    kept = _kept(module, packing, query, dropout)
    parts = [
        _attend((q, k, v), group.mask, scaling, next(kept), dropout)
        for group, q, k, v in zip(rows.groups, *laid, strict=True)
    ]
    return rows.flat(parts)[None], None


def _attend(
    qkv: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    mask: torch.Tensor | None,
    scaling: float | None,
    kept: torch.Tensor | None,
    p: float,
) -> torch.Tensor:
    q, k, v = qkv
    if q.device.type == "cpu" and (p > 0 or torch.is_grad_enabled()):
        return attend(qkv, mask, scaling, kept, p)
    mask = None if mask is None else mask.to(q.dtype)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=p, scale=scaling)


def _kept(module: nn.Module, packing: Packing, query: torch.Tensor, p: float) -> Iterator[torch.Tensor | None]:
    """Yields for each group which weights are kept, int8; None if none is dropped, or if torch drops them."""
    if p == 0 or query.device.type != "cpu":
        return repeat(None)
    place: Place = module.place  # type: ignore[assignment]
    return place.pairs(packing.keys(place.draws), query.shape[1], p)


register(NAME, attention)
