"""Linear layers through oneDNN give what torch gives, and stay out of training."""

from importlib.metadata import version

import pytest
import torch
from torch import nn

from nlptl.engine import fast_linear as module
from nlptl.engine.fast_linear import fast_linear

CPU = torch.device("cpu")


@pytest.fixture
def counted(monkeypatch):
    """Makes a processor of AMD's, and counts the layers that go through oneDNN."""
    calls = []
    found = torch.ops.mkldnn._linear_pointwise

    def linear(*given):
        calls.append(given[0].shape)
        return found(*given)

    monkeypatch.setattr(module, "_pays", lambda: True)
    monkeypatch.setattr(torch.ops.mkldnn, "_linear_pointwise", linear)
    return calls


@pytest.mark.parametrize("shape", [(1, 7, 16), (2, 3, 16), (1, 0, 16), (1, 1, 16)])
@pytest.mark.parametrize("bias", [True, False])
@torch.no_grad()
def test_a_layer_gives_what_torch_gives(counted, shape, bias):
    torch.manual_seed(0)
    layer, x = nn.Linear(16, 24, bias=bias), torch.randn(shape)
    expected = layer(x)
    with fast_linear(CPU):
        found = layer(x)
    assert len(counted) == 1
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_a_layer_that_needs_gradients_is_torch_s_own(counted):
    layer = nn.Linear(16, 24)
    with fast_linear(CPU):
        layer(torch.randn(1, 3, 16)).sum().backward()
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            assert layer(torch.randn(1, 3, 16)).dtype == torch.bfloat16
        with torch.no_grad():
            nn.Linear(16, 24, dtype=torch.float64)(torch.randn(1, 3, 16, dtype=torch.float64))
            layer(torch.randn(1, 16, 3).transpose(1, 2))
    assert layer.weight.grad is not None
    assert not counted


@torch.no_grad()
def test_a_head_over_rows_of_any_number_is_torch_s_own(counted):
    with fast_linear(CPU):
        nn.Linear(16, 2)(torch.randn(7, 16))
    assert not counted


def test_processors_that_are_not_amd_s_and_gpus_keep_torch_s_product(monkeypatch, tmp_path):
    for maker, pays in (("GenuineIntel", False), ("AuthenticAMD", True), ("none", False)):
        (tmp_path / maker).write_text(f"vendor_id\t: {maker}\n")
        monkeypatch.setattr(module, "CPU_INFO", tmp_path / maker)
        monkeypatch.setattr(module, "_agrees", lambda: True)
        module._pays.cache_clear()
        assert module._pays() == pays
    assert not isinstance(fast_linear(torch.device("cuda")), module._OneDnn)
    module._pays.cache_clear()


def gone(*_):
    raise AttributeError("no such operator")


@pytest.mark.parametrize("found", [gone, lambda x, weight, *_: x @ weight.T, lambda *a: torch.zeros(3)])
@torch.no_grad()
def test_where_the_kernel_is_gone_or_gives_other_values_torch_s_product_is_used_and_that_is_said_once(
    monkeypatch, caplog, found
):
    monkeypatch.setattr(module, "_is_amd", lambda: True)
    monkeypatch.setattr(torch.ops.mkldnn, "_linear_pointwise", found)
    module._pays.cache_clear()
    torch.manual_seed(0)
    layer, x = nn.Linear(16, 24), torch.randn(1, 3, 16)
    for _ in range(2):
        with fast_linear(CPU):
            assert torch.equal(layer(x), nn.functional.linear(x, layer.weight, layer.bias))
    module._pays.cache_clear()
    (said,) = caplog.messages
    assert said.startswith(f"mkldnn._linear_pointwise of torch {version('torch')} is not as nlptl knows it")
