"""Attention over sequences that lie one after the other, without padding anywhere else in the model.

Every layer but attention works token by token, so it can run on the flat tokens of a batch, (1, n_tokens, hidden). Only
attention has to know where a sequence ends. Neighbours of similar length are attended to together; a batch sorted by
length has few such groups and next to no padding.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import sdpa_mask
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from nlptl.models.dropout import dropout as dropped

NAME = "nlptl_packed"
# A sequence joins its neighbours' group while it is at most this much longer than the shortest there. With fewer tokens
# many small calls cost more than the padding that they save (SST-2 on 2 cores: 238 against 287 examples/s). With a
# larger share padding costs more than the calls: at 2.0 attention over SQuAD's contexts takes 2.9 times as long.
SLACK_TOKENS, SLACK_SHARE = 16, 1.1


@dataclass(frozen=True)
class Group:
    """Neighbouring sequences that are attended to in one call."""

    start: int
    """First token of the group in the batch."""
    stop: int
    n: int
    longest: int
    slots: torch.Tensor | None
    """int64 (stop - start,): place of each token in the padded (n * longest); None where all lengths are equal."""
    mask: torch.Tensor | None
    """float32 (n, 1, 1, longest): 0 where a place holds a token, else minus infinity."""


@dataclass(frozen=True)
class Packing:
    """Where the sequences of a flat batch begin and how they are grouped."""

    groups: tuple[Group, ...]
    positions: torch.Tensor
    """int64 (n_tokens,): 0, 1, 2, ... within each sequence."""

    @staticmethod
    def of(lengths: torch.Tensor, device: torch.device) -> "Packing":
        """Returns the packing of sequences of these lengths, int64 (n,), in this order."""
        starts = lengths.cumsum(0) - lengths
        positions = torch.arange(int(lengths.sum())) - starts.repeat_interleave(lengths)
        groups = tuple(_group(lengths, first, last, device) for first, last in _runs(lengths.tolist()))
        return Packing(_placed(groups, lengths), positions.to(device))


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
    outputs = [_attend(group, query[0], key[0], value[0], dropout, scaling) for group in packing.groups]
    n_empty = query.shape[2] - packing.groups[-1].stop
    if n_empty:
        outputs.append(outputs[0].new_zeros(n_empty, *outputs[0].shape[1:]))
    return torch.cat(outputs)[None], None


def _attend(
    group: Group, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, p: float, scaling: float | None
) -> torch.Tensor:
    q, k, v = (_padded(group, x) for x in (query, key, value))  # (n, heads, longest, width)
    if q.device.type == "cpu" and (p > 0 or torch.is_grad_enabled()):
        out = _in_float32(q, k, v, group.mask, p, scaling)
    else:
        mask = None if group.mask is None else group.mask.to(q.dtype)
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=p, scale=scaling)
    flat = out.transpose(1, 2).reshape(group.n * group.longest, query.shape[0], query.shape[2])
    return flat if group.slots is None else flat.index_select(0, group.slots)


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
    n, heads, longest, width = q.shape
    flat = (n * heads, longest, width)
    scaled = (q.float() * (width**-0.5 if scaling is None else scaling)).reshape(flat)
    transposed = k.float().reshape(flat).transpose(1, 2)
    if mask is None:
        scores = scaled @ transposed  # (n * heads, longest, longest)
    else:
        hidden = mask.expand(n, heads, 1, longest).reshape(n * heads, 1, longest)
        scores = torch.baddbmm(hidden, scaled, transposed)  # filling places after the product takes a pass more
    out = dropped(scores.softmax(-1), p) @ v.float().reshape(flat)
    return out.view(q.shape).to(v.dtype)


def _padded(group: Group, x: torch.Tensor) -> torch.Tensor:
    tokens = x[:, group.start : group.stop].transpose(0, 1)  # (tokens, heads, width)
    heads, width = tokens.shape[1:]
    if group.slots is not None:
        empty = tokens.new_zeros(group.n * group.longest, heads, width)
        tokens = empty.index_copy(0, group.slots, tokens)
    return tokens.reshape(group.n, group.longest, heads, width).transpose(1, 2)


def _runs(lengths: list[int]) -> list[tuple[int, int]]:
    runs, first = [], 0
    shortest = longest = lengths[0]
    for i, length in enumerate(lengths[1:], start=1):
        low, high = min(shortest, length), max(longest, length)
        if high > max(low + SLACK_TOKENS, low * SLACK_SHARE):
            runs.append((first, i))
            first, low, high = i, length, length
        shortest, longest = low, high
    return [*runs, (first, len(lengths))]


def _group(lengths: torch.Tensor, first: int, last: int, device: torch.device) -> Group:
    own = lengths[first:last]
    n, longest, total = len(own), int(own.max()), int(own.sum())
    if total == n * longest:
        return Group(0, total, n, longest, None, None)
    starts = own.cumsum(0) - own
    positions = torch.arange(total) - starts.repeat_interleave(own)
    slots = (torch.arange(n) * longest).repeat_interleave(own) + positions
    mask = torch.zeros(n, longest).masked_fill_(torch.arange(longest) >= own[:, None], -torch.inf)
    return Group(0, total, n, longest, slots.to(device), mask[:, None, None].to(device))


def _placed(groups: tuple[Group, ...], lengths: torch.Tensor) -> tuple[Group, ...]:
    placed, start = [], 0
    for g in groups:
        placed.append(Group(start, start + g.stop, g.n, g.longest, g.slots, g.mask))
        start += g.stop
    return tuple(placed)


AttentionInterface.register(NAME, attention)
AttentionMaskInterface.register(NAME, sdpa_mask)
