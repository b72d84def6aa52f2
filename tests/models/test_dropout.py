"""Dropout that draws by row and position is dropout, its draws are independent, and attention with it is attention."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nlptl.models import attend, packing, padding
from nlptl.models.dropout import Draws, Dropout, Keys, Place, dropout, place
from nlptl.models.packing import Packing
from tests import tiny

LENGTHS = [2, 3, 40, 41, 3, 90, 7, 70]
SIGMAS = 6.0  # one of 10**9 correlations is as large by chance


def batch(lengths=LENGTHS, update=0):
    """Returns a batch with an update's draws."""
    draws = np.random.default_rng([7, update, 1]).integers(-(2**63), 2**63, len(lengths))
    return replace(tiny.sequences(lengths), draws=torch.from_numpy(draws))


def gone(shape, name="net.dropout", p=0.5, given=None, call=1):
    """Returns which values a place drops, float32."""
    draws = Draws()
    with draws.of(batch() if given is None else given):
        for _ in range(call):
            kept = Place(draws, name).kept(torch.Size(shape), p)
    return 1 - kept.float()


def weights_gone(name="net.attention", update=0, heads=4, p=0.5, length=64, n=8):
    """Returns which attention weights are dropped, (n, heads, length, length), of rows of a length."""
    draws = Draws()
    with draws.of(batch([length] * n, update)):
        keys = draws.keys((n, length))
        (kept,) = Place(draws, name).pairs([(keys, keys)], heads, p)
    return 1 - kept.float()


def largest(x):
    """Returns the largest correlation between two of the columns, in standard deviations of chance."""
    correlations = torch.corrcoef(x.T.double())
    return (correlations - torch.eye(len(correlations))).abs().max().item() * len(x) ** 0.5


def between(x, y):
    """Returns the correlation of two masks, in standard deviations of chance."""
    return abs(torch.corrcoef(torch.stack((x.flatten(), y.flatten())).double())[0, 1].item()) * x.numel() ** 0.5


@pytest.mark.parametrize("p", [0.05, 0.1, 0.5, 0.9, 0.99])
def test_values_are_dropped_at_the_given_rate_and_the_others_scaled(p):
    dropped = gone((256, 4000), p=p)
    out = dropout(torch.ones(256, 4000), (1 - dropped).to(torch.int8), p)
    assert out.unique().tolist() == pytest.approx([0.0, 1 / (1 - p)])
    chance = (p * (1 - p) / out.numel()) ** 0.5
    for share in ((out == 0).double().mean(), weights_gone(p=p, heads=12).double().mean()):
        assert share.item() == pytest.approx(p, abs=5 * chance * 1.7)
    assert dropped.mean(0).std().item() == pytest.approx((p * (1 - p) / 256) ** 0.5, rel=0.1)
    assert dropped.mean(1).std().item() == pytest.approx((p * (1 - p) / 4000) ** 0.5, rel=0.2)


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_no_two_places_of_a_vector_and_no_two_tokens_are_dropped_together(p):
    dropped = gone((4000, 384), p=p, given=batch([250] * 16))
    assert largest(dropped) < SIGMAS  # all pairs of 384 places
    assert largest(gone((500, 4000), p=p, given=batch([125] * 4)).T) < SIGMAS  # all pairs of 500 tokens
    for step in (1, 2, 4, 32):
        assert between(dropped[step:], dropped[:-step]) < SIGMAS
        assert between(dropped[:, step:], dropped[:, :-step]) < SIGMAS


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_no_two_heads_queries_or_keys_of_attention_are_dropped_together(p):
    dropped = weights_gone(p=p)  # (n, heads, queries, keys)
    assert largest(dropped.transpose(0, 1).flatten(1).T) < SIGMAS
    assert largest(dropped.permute(2, 0, 1, 3).flatten(1).T) < SIGMAS
    assert largest(dropped.permute(3, 0, 1, 2).flatten(1).T) < SIGMAS
    assert largest(dropped.flatten(1).T) < SIGMAS
    i, j = torch.triu_indices(64, 64, 1)
    assert between(dropped[..., i, j], dropped[..., j, i]) < SIGMAS  # i to j, and j to i
    assert largest(weights_gone(n=1, heads=2, length=500, p=0.5)[0].flatten(0, 1).T) < SIGMAS


def test_updates_sites_calls_and_rows_draw_apart():
    shape = (len(LENGTHS), 90, 300)
    base = gone(shape)
    others = {
        "update": gone(shape, given=batch(update=1)),
        "place": gone(shape, name="net.dropout2"),
        "call": gone(shape, call=2),
        "row": base.roll(1, 0),
        "position": base.roll(1, 1),
    }
    assert {name: value for name, other in others.items() if (value := between(base, other)) > SIGMAS} == {}
    weights = weights_gone()
    others = [weights_gone(update=1), weights_gone(name="net.other"), weights.roll(1, 0), weights.roll(1, 1)]
    assert max(between(weights, other) for other in others) < SIGMAS
    assert torch.equal(gone(shape), base)


def test_three_values_at_the_corners_of_a_rectangle_say_nothing_of_the_fourth():
    """Products of two numbers have rank one: their high bits must not show it."""
    x = 2 * gone((512, 512), given=batch([64] * 8)) - 1
    for rows, places in ((1, 1), (2, 3), (64, 1)):
        corners = x[rows:, places:] * x[:-rows, places:] * x[rows:, :-places] * x[:-rows, :-places]
        assert abs(corners.mean().item()) * corners.numel() ** 0.5 < SIGMAS


def test_a_row_draws_the_same_in_all_shapes_that_batches_take():
    given, n_tokens = batch(), sum(LENGTHS)
    keys, of = Keys(given), torch.nn.utils.rnn.pad_sequence
    flat = keys.of((n_tokens,))
    assert len(flat.unique()) == n_tokens
    assert torch.equal(keys.of((1, n_tokens + 5))[0, :n_tokens], flat)
    padded = keys.of((8, 90))
    rows = flat.split(LENGTHS)
    assert torch.equal(
        of(rows, batch_first=True) * 1,
        padded.masked_fill(of([torch.ones_like(r) for r in rows], batch_first=True) == 0, 0),
    )
    assert torch.equal(keys.of((8,)), padded[:, 0])
    assert torch.equal(keys.of((8, 100))[:, :90], padded)
    copies = keys.of((24, 6)).view(8, 3, 6)
    assert len(copies.unique()) == 8 * 3 * 6
    alone = Keys(replace(batch(LENGTHS[2:3]), draws=given.draws[2:3]))
    assert torch.equal(alone.of((3, 6)), copies[2])
    assert torch.equal(alone.of((1, 64))[0, :40], rows[2])
    assert torch.equal(keys.of((8, 4, 90))[2], alone.of((1, 4, 90))[0])
    assert keys.of((5, 90)) is None


def test_masks_of_wider_values_begin_with_those_of_narrower_ones():
    """A padded batch of longer rows has more keys to attend to."""
    assert torch.equal(gone((8, 90, 64))[..., :20], gone((8, 90, 20)))


@pytest.mark.parametrize("shape", [(8,), (8, 5), (251, 3), (1, 251, 3), (8, 2, 3, 4), (3, 5), (1,)])
def test_any_shape_keeps_its_shape_and_type(shape):
    module = torch.nn.Sequential(torch.nn.Dropout(0.5)).train()
    draws = Draws()
    place(module, draws)
    for dtype in (torch.float32, torch.bfloat16):
        with draws.of(batch()):
            out = module(torch.ones(shape, dtype=dtype))
        assert (out.shape, out.dtype) == (torch.Size(shape), dtype)


def test_the_gradient_passes_where_the_value_did():
    x = torch.ones(8, 1000, requires_grad=True)
    out = dropout(x, (1 - gone((8, 1000))).to(torch.int8), 0.5)
    out.sum().backward()
    assert torch.equal(x.grad, out.detach())


def test_outside_of_a_batch_torchs_generator_decides():
    module = torch.nn.Sequential(torch.nn.Dropout(0.5))
    place(module, Draws())
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(module(torch.ones(10, 100)))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
    assert not torch.equal(module(torch.ones(10, 100)), module(torch.ones(10, 100)))


def test_a_module_drops_in_training_only():
    module, x = torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Dropout(0.0)), torch.ones(1000, 2)
    place(module, Draws())
    assert [type(m) for m in module] == [Dropout, Dropout]
    assert (module(x) == 0).any()
    assert torch.equal(module[1](x), x)
    assert torch.equal(module.eval()(x), x)


def attending():
    """Returns an attention layer's module with its place, and what it draws from."""
    module, draws = torch.nn.Identity(), Draws()
    place(module, draws)
    return module, draws


def test_attention_with_dropout_is_attention_whose_weights_are_dropped(monkeypatch):
    """With a dropout that drops nothing both ways of computing agree; with a real one they do not."""
    torch.manual_seed(0)
    given = batch([2, 3, 40, 41, 3])
    plan, (module, draws) = Packing(given), attending()
    q, k, v = torch.randn(3, 1, 4, 89 + plan.n_empty, 8).unbind()

    def run(p):
        with draws.of(given):
            return packing.attention(module, q, k, v, None, packing=Packing(given), dropout=p, scaling=0.3)[0]

    plain, other, asked = run(0.0), run(0.2), []
    assert not torch.allclose(other, plain, atol=1e-3)
    monkeypatch.setattr(attend, "dropout", lambda x, kept, p: asked.append((x.shape == kept.shape, p)) or x)
    torch.testing.assert_close(run(0.2), plain, rtol=1e-5, atol=1e-6)
    assert set(asked) == {(True, 0.2)}


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("given", ["nothing", "mask", "bias", "mask and bias"])
def test_padded_attention_is_transformers_own_but_for_its_draws(monkeypatch, causal, given):
    torch.manual_seed(0)
    module, _ = attending()
    q, k, v = torch.randn(3, 3, 4, 6, 8).unbind()
    seen = (torch.arange(6) < torch.tensor([6, 2, 4])[:, None])[:, None, None] if "mask" in given else None
    bias = torch.randn(1, 4, 6, 6) if "bias" in given else None
    same = {"scaling": 0.3, "is_causal": causal, "position_bias": bias}
    expected, _ = padding.attention(module, q, k, v, seen, **same)
    assert not torch.allclose(padding.attention(module, q, k, v, seen, dropout=0.2, **same)[0], expected, atol=1e-3)
    monkeypatch.setattr(attend, "dropout", lambda x, kept, p: x)
    found, _ = padding.attention(module, q, k, v, seen, dropout=0.2, **same)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
