"""The quick dropout is a dropout, and attention with it is attention."""

import pytest
import torch

from nlptl.models import packing
from nlptl.models.dropout import Dropout, dropout
from nlptl.models.packing import Packing
from tests import tiny


@pytest.mark.parametrize("p", [0.05, 0.1, 0.5, 0.9])
def test_values_are_dropped_at_the_given_rate_and_the_others_scaled(p):
    torch.manual_seed(0)
    out = dropout(torch.ones(1_000_000), p)
    assert out.unique().tolist() == pytest.approx([0.0, 1 / (1 - p)])
    assert (out == 0).float().mean().item() == pytest.approx(p, abs=0.002)
    assert out.mean().item() == pytest.approx(1.0, abs=0.01)


def test_neighbours_are_dropped_independently():
    torch.manual_seed(0)
    gone = (dropout(torch.ones(400_000), 0.5) == 0).view(-1, 4).float()  # four values share a draw
    correlations = torch.corrcoef(gone.T) - torch.eye(4)
    assert correlations.abs().max() < 0.02


@pytest.mark.parametrize("shape", [(1,), (7,), (3, 5), (2, 3, 4, 5)])
def test_any_shape_keeps_its_shape_and_type(shape):
    for dtype in (torch.float32, torch.bfloat16):
        out = dropout(torch.ones(shape, dtype=dtype), 0.1)
        assert (out.shape, out.dtype) == (torch.Size(shape), dtype)


def test_the_gradient_passes_where_the_value_did():
    x = torch.ones(1000, requires_grad=True)
    out = dropout(x, 0.3)
    out.sum().backward()
    assert torch.equal(x.grad, out.detach())


def test_the_same_seed_drops_the_same_values():
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(dropout(torch.ones(100), 0.5))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_a_module_drops_in_training_only():
    module, x = Dropout(0.5), torch.ones(1000)
    assert (module(x) == 0).any()
    assert torch.equal(module.eval()(x), x)
    assert torch.equal(Dropout(0.0)(x), x)


def test_attention_with_dropout_is_attention_whose_weights_are_dropped(monkeypatch):
    """With a dropout that drops nothing both ways of computing agree; with a real one they do not."""
    torch.manual_seed(0)
    plan = Packing(tiny.sequences([2, 3, 40, 41, 3]))
    q, k, v = torch.randn(3, 1, 4, 89 + plan.n_empty, 8).unbind()
    plain, _ = packing.attention(torch.nn.Identity(), q, k, v, None, packing=plan, scaling=0.3)
    asked = []
    with monkeypatch.context() as patch:
        patch.setattr(packing, "dropped", lambda x, p: asked.append(p) or x)
        same, _ = packing.attention(torch.nn.Identity(), q, k, v, None, packing=plan, dropout=0.2, scaling=0.3)
    assert set(asked) == {0.2}
    torch.testing.assert_close(same, plain, rtol=1e-5, atol=1e-6)
    other, _ = packing.attention(torch.nn.Identity(), q, k, v, None, packing=plan, dropout=0.2, scaling=0.3)
    assert not torch.allclose(other, plain, atol=1e-3)
