"""Attention over sequences of unlike lengths, as the device computes it: with and without dropout, and backwards."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from nlptl.models import packing, varlen
from nlptl.models.dropout import Draws
from nlptl.models.dropout import place as place_draws
from nlptl.models.packing import Packing
from tests import tiny
from tests.gpu import places
from tests.gpu.places import CPU, CUDA, place

HEADS, P = 4, 0.25
LENGTHS = [1, 7, 64, 33, 128, 2, 129, 300, 5, 16]
KERNEL = (torch.bfloat16, torch.float16)
MOST_ERROR = {torch.float32: 1e-4, torch.float16: 4e-3, torch.bfloat16: 3e-2}
WIDTHS = [place(CPU, 8, torch.float32)]
WIDTHS += [place(CUDA, width, dtype) for width in (8, 32, 64, 128, 256) for dtype in (*KERNEL, torch.float32)]
DROPPING = [place(CPU, torch.float32), *(place(CUDA, dtype) for dtype in (torch.float32, *KERNEL))]


def planned(lengths: list[int], device: torch.device, *, longest: int | None = None) -> Packing:
    """Returns the packing of sequences whose tokens say nothing."""
    flat = tiny.sequences(lengths)
    return Packing(replace(flat, boundaries=flat.boundaries.to(device), longest=longest or flat.longest))


def attend(plan: Packing, parts: list[torch.Tensor], dropout: float = 0.0) -> torch.Tensor:
    """Returns attention as the encoder's layers call it, with the empty tokens that it wants: (n_tokens, heads, width).

    Args:
        plan: where the sequences are.
        parts: query, key and value, (n_tokens, heads, width).
        dropout: probability.
    """
    filled = [functional.pad(x, (0, 0, 0, 0, 0, plan.n_empty)).transpose(0, 1)[None] for x in parts]
    layer = torch.nn.Identity()
    place_draws(layer, Draws())  # without a batch they follow torch's generator
    out, _ = packing.attention(layer, *filled, None, packing=plan, dropout=dropout, scaling=0.3)
    return out[0, : len(parts[0])]


def by_hand(parts: list[torch.Tensor], lengths: list[int]) -> torch.Tensor:
    """Returns softmax attention in float64, sequence by sequence."""
    pieces = zip(*(x.double().split(lengths) for x in parts), strict=True)
    each = [torch.einsum("qhd,khd->hqk", q, k).mul(0.3).softmax(-1) @ v.transpose(0, 1) for q, k, v in pieces]
    return torch.cat([x.transpose(0, 1) for x in each])


def drawn(n_tokens: int, width: int, device: torch.device, dtype: torch.dtype) -> list[torch.Tensor]:
    """Returns query, key and value, whose gradients are wanted."""
    torch.manual_seed(0)
    parts = [torch.randn(n_tokens, HEADS, width).to(device, dtype) for _ in range(3)]
    return [part.requires_grad_() for part in parts]


@pytest.mark.parametrize(("device", "width", "dtype"), WIDTHS)
@pytest.mark.parametrize("longest", [None, 512], ids=["longest", "longer"])
def test_attention_and_its_gradients_are_those_computed_by_hand(device, width, dtype, longest, monkeypatch):
    called, kernel = [], varlen.attention
    monkeypatch.setattr(varlen, "attention", lambda *a, **k: called.append(1) or kernel(*a, **k))
    parts = drawn(sum(LENGTHS), width, device, dtype)
    plan = planned(LENGTHS, device, longest=longest)
    out = attend(plan, parts)
    weight = torch.randn_like(out)
    found = [out, *torch.autograd.grad((out * weight).sum(), parts)]
    other = by_hand(parts, LENGTHS)
    expected = [other, *torch.autograd.grad((other * weight).sum(), parts)]
    assert len(called) == (device.type == "cuda" and dtype in KERNEL)
    for ours, right in zip(found, expected, strict=True):
        assert ours.dtype == dtype
        assert places.error_of(ours, right) < MOST_ERROR[dtype]


def weights_of(lengths: list[int], device: torch.device, dtype: torch.dtype, seed: int) -> list[torch.Tensor]:
    """Returns what attention with dropout multiplies values with, forward and backward: (n_tokens, heads, longest).

    Where a value says nothing but which token it is, the output is the weight of each token. The gradient of the values
    says the same of the way back.
    """
    width, plan = max(lengths), planned(lengths, device)
    query, key, _ = drawn(sum(lengths), width, device, dtype)
    own = torch.cat([torch.eye(width)[:n] for n in lengths])[:, None].expand(-1, HEADS, -1).to(device, dtype)
    value = own.contiguous().requires_grad_()
    torch.manual_seed(seed)
    out = attend(plan, [query, key, value], P)
    (back,) = torch.autograd.grad(out, value, own)
    turned = [piece.permute(2, 1, 0) for piece in back.split(lengths)]  # of each sequence (queries, heads, keys)
    squares = [functional.pad(t, (0, width - t.shape[-1]))[:n] for t, n in zip(turned, lengths, strict=True)]
    return [out.detach(), torch.cat(squares)]


@pytest.mark.parametrize(("device", "dtype"), DROPPING)
def test_dropout_drops_its_share_of_weights_and_the_same_ones_on_the_way_back(device, dtype):
    lengths = [32, 5, 32, 17, 1, 32]
    forward, backward = weights_of(lengths, device, dtype, seed=1)
    torch.testing.assert_close(backward, forward, rtol=2e-2, atol=1e-3)
    parts = drawn(sum(lengths), 32, device, dtype)
    own = torch.cat([torch.eye(32)[:n] for n in lengths])[:, None].expand(-1, HEADS, -1).to(device, dtype)
    whole = by_hand([*parts[:2], own], lengths).detach()
    there, dropped = whole > 1e-3, forward == 0
    share = float(dropped[there].float().mean())
    assert abs(share - P) < 4 * (P * (1 - P) / int(there.sum())) ** 0.5
    kept = there & ~dropped
    torch.testing.assert_close(forward[kept].double(), whole[kept] / (1 - P), rtol=2e-2, atol=1e-3)


@pytest.mark.parametrize(("device", "dtype"), DROPPING)
def test_dropout_follows_from_the_seed(device, dtype):
    lengths = [32, 5, 32, 17, 1, 32]
    first, again, other = (weights_of(lengths, device, dtype, seed)[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first == 0, other == 0)


@pytest.mark.parametrize("device", places.EITHER)
def test_sequences_and_heads_drop_independently(device):
    found = weights_of([32, 32], device, torch.bfloat16 if device.type == "cuda" else torch.float32, seed=3)[0] == 0
    one, two = found[:32], found[32:]
    assert not torch.equal(one, two)
    assert not torch.equal(one[:, 0], one[:, 1])
