"""How far two passes disagree, beside torch's own Kullback-Leibler divergences."""

import pytest
import torch
from torch.distributions import Bernoulli, Categorical, kl_divergence

from nlptl.core import kinds
from nlptl.tasks.kinds import divergences
from tests import tiny

LENGTHS = [2, 5, 3]
N_TOKENS = sum(LENGTHS)
SHAPES = {"class": (3, 4), "classes": (3, 4), "tags": (N_TOKENS, 4), "span": (N_TOKENS, 2), "text": (3, 5, 7)}


def drawn(kind, seed, scale=2.0):
    return torch.randn(SHAPES[kind], generator=torch.Generator().manual_seed(seed)) * scale


def batch(kind):
    """Rows of 2, 5 and 3 tokens; of tags and texts some tokens are unknown, in the last row all."""
    labels = torch.zeros(3, 5, dtype=torch.long)
    labels[0, 1:], labels[1, 0], labels[2] = -100, -100, -100
    return tiny.sequences(LENGTHS, labels if kind in ("tags", "text") else torch.zeros(3, dtype=torch.long))


def both(make, p, q):
    return (kl_divergence(make(logits=p), make(logits=q)) + kl_divergence(make(logits=q), make(logits=p))) / 2


def expected(kind, p, q):
    if kind == "class":
        return both(Categorical, p, q)
    if kind == "classes":
        return both(Bernoulli, p, q).mean(-1)
    if kind == "span":
        parts = zip(p.split(LENGTHS), q.split(LENGTHS), strict=True)
        return torch.stack([both(Categorical, a.T, b.T).mean() for a, b in parts])
    each = both(Categorical, p, q)
    rows = each.split(LENGTHS) if kind == "tags" else list(each)
    return torch.stack([rows[0][:1].mean(), rows[1][1:5].mean(), torch.zeros(())])


@pytest.mark.parametrize("kind", SHAPES)
def test_they_are_the_mean_of_both_directions(kind):
    p, q = drawn(kind, 0), drawn(kind, 1)
    found = divergences(kind)(p, q, batch(kind))
    assert found.shape == (3,)
    torch.testing.assert_close(found, expected(kind, p, q), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(divergences(kind)(q, p, batch(kind)), found)


@pytest.mark.parametrize("kind", SHAPES)
def test_equal_passes_agree(kind):
    p = drawn(kind, 0)
    assert torch.equal(divergences(kind)(p, p.clone(), batch(kind)), torch.zeros(3))


@pytest.mark.parametrize("kind", SHAPES)
def test_they_and_their_gradients_are_finite_also_far_apart_and_in_bf16(kind):
    for scale in (2.0, 1e3):
        p, q = (drawn(kind, seed, scale).bfloat16().requires_grad_() for seed in (0, 1))
        found = divergences(kind)(p, q, batch(kind))
        assert found.dtype == torch.float32
        assert (found >= 0).all()
        found.sum().backward()
        for x in (found, p.grad, q.grad):
            assert x.isfinite().all()
        assert p.grad.any()
        assert q.grad.any()


def test_every_kind_that_compares_has_them():
    for kind in kinds.KINDS.values():
        assert (divergences(kind.name) is not None) == kind.compares
    assert set(SHAPES) == set(kinds.having(lambda kind: kind.compares))
