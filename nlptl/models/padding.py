"""Padding, for the models that cannot run packed, and attention over padded rows."""

from typing import Any

import torch
from torch import nn

from nlptl.core.records import Batch
from nlptl.models.attend import attend, register, transformers_own
from nlptl.models.dropout import Place

NAME = "nlptl_padded"
HIDDEN = torch.finfo(torch.float32).min  # of minus infinity, a place that sees nothing has no average


def pad(batch: Batch, tokens: torch.Tensor, filler: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns values of flat tokens as rows, (n, longest, ...), and their mask, int64 (n, longest).

    Args:
        batch: the features.
        tokens: (n_tokens, ...): the values.
        filler: the padding value.
    """
    lengths = batch.lengths.to(tokens.device)
    mask = torch.arange(int(batch.lengths.max()), device=tokens.device) < lengths[:, None]
    padded = tokens.new_full((*mask.shape, *tokens.shape[1:]), filler)
    padded[mask] = tokens
    return padded, mask.long()


def attention(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    dropout: float = 0.0,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Returns what transformers' attention returns, (n, queries, heads, width), and no weights.

    On a CPU weights are dropped by row and position. Otherwise this is transformers' own function.

    Args:
        module: the attention layer.
        query: (n, heads, queries, width).
        key: (n, heads, keys, width); value likewise.
        value: see key.
        attention_mask: bool (n, 1, queries, keys): who sees whom; None if all do, or if the layer is causal.
        dropout: probability with which attention weights are dropped.
        kwargs: what transformers passes to every attention function.
    """
    place: Place | None = getattr(module, "place", None)
    if dropout == 0 or query.device.type != "cpu" or place is None:
        return transformers_own(module, query, key, value, attention_mask, dropout=dropout, **kwargs)
    (n, n_heads, n_queries, _), n_keys = query.shape, key.shape[2]
    keys = place.draws.keys((n, n_queries)), place.draws.keys((n, n_keys))
    (kept,) = place.pairs([keys], n_heads, dropout)
    is_causal = kwargs.get("is_causal")
    causal = bool(getattr(module, "is_causal", True) if is_causal is None else is_causal)
    mask = _added(_seen(attention_mask, n_queries, n_keys, causal=causal), kwargs.get("position_bias"))
    out = attend((query, key, value), mask, kwargs.get("scaling"), kept, dropout)
    return out.transpose(1, 2).contiguous(), None


def _seen(given: torch.Tensor | None, n_queries: int, n_keys: int, *, causal: bool) -> torch.Tensor | None:
    if given is not None or not causal or n_queries == 1:
        return given
    return torch.ones(1, 1, n_queries, n_keys, dtype=torch.bool).tril()


def _added(seen: torch.Tensor | None, bias: torch.Tensor | None) -> torch.Tensor | None:
    """Returns what is added to the scores, float32."""
    if seen is None:
        return None if bias is None else bias.float()
    return torch.where(seen, torch.zeros(()) if bias is None else bias.float(), HIDDEN)


register(NAME, attention)
