"""Frozen layers round their weights once, and give what autocast gives."""

import dataclasses

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from nlptl.engine import frozen
from nlptl.engine.frozen import rounded_once
from nlptl.methods.adapter import Adapter
from nlptl.methods.full import Full
from nlptl.methods.lora import LoRA
from tests import tiny

METHODS = {
    "lora": LoRA(rank=2, dropout=0.0),
    "adapter": Adapter(),
    "dora": LoRA(rank=2, dropout=0.0, decomposition="dora"),
}


def bf16():
    return dataclasses.replace(tiny.fp32(), bf16=True)


class Casts(TorchDispatchMode):
    """Notes which tensors are cast to bf16."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten._to_copy.default and (kwargs or {}).get("dtype") == torch.bfloat16:
            self.found.append(args[0].untyped_storage().data_ptr())
        return func(*args, **(kwargs or {}))


def step(pretrained, batch):
    """Returns logits and gradients of a forward and a backward pass under autocast, and the weights that it casts."""
    pretrained.module.zero_grad()
    with bf16().autocast(), Casts() as casts:
        logits = pretrained.module.train()(batch)
    logits.float().square().sum().backward()
    gradients = {n: p.grad.clone() for n, p in pretrained.module.named_parameters() if p.grad is not None}
    frozen = {p.untyped_storage().data_ptr() for p in pretrained.module.parameters() if not p.requires_grad}
    return logits, gradients, frozen.intersection(casts.found)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_a_step_is_bit_for_bit_that_of_autocast_without_its_casts(tiny_folders, family, method):
    pretrained = tiny.prepared(tiny_folders[family], METHODS[method], dropout=0.0)
    batch = tiny.batch(pretrained)
    logits, gradients, cast = step(pretrained, batch)
    assert len(cast) > 10
    with rounded_once(pretrained.module, bf16()):
        step(pretrained, batch)
        again, others, cast = step(pretrained, batch)
    assert not cast
    assert torch.equal(again, logits)
    assert gradients.keys() == others.keys() != set()
    assert all(torch.equal(gradient, others[name]) for name, gradient in gradients.items())


def test_without_autocast_a_layer_computes_with_its_exact_weights(tiny_folders):
    pretrained = tiny.prepared(tiny_folders["bert"], METHODS["lora"], dropout=0.0)
    expected = tiny.logits(pretrained)
    with rounded_once(pretrained.module, bf16()):
        step(pretrained, tiny.batch(pretrained))
        assert torch.equal(tiny.logits(pretrained), expected)
    assert not [m for m in pretrained.module.modules() if type(m) is nn.Linear and "forward" in vars(m)]


@pytest.mark.parametrize(("method", "compute"), [(METHODS["lora"], tiny.fp32), (Full(), bf16)])
def test_in_float32_and_where_all_is_trained_nothing_changes(tiny_folders, method, compute):
    pretrained = tiny.prepared(tiny_folders["bert"], method)
    with rounded_once(pretrained.module, compute()):
        assert not [m for m in pretrained.module.modules() if type(m) is nn.Linear and "forward" in vars(m)]


def test_a_layer_of_which_anything_is_trained_is_left_alone():
    layer = nn.Linear(4, 4)
    layer.weight.requires_grad_(False)
    with rounded_once(nn.Sequential(layer), bf16()), bf16().autocast():
        layer(torch.randn(2, 4)).sum().backward()
    assert layer.bias.grad is not None


def test_what_an_evaluation_rounded_serves_training(tiny_folders):
    pretrained = tiny.prepared(tiny_folders["bert"], METHODS["lora"])
    batch = tiny.batch(pretrained)
    with rounded_once(pretrained.module, bf16()):
        with torch.inference_mode(), bf16().autocast():
            pretrained.module.eval()(batch)
        _, gradients, cast = step(pretrained, batch)
    assert gradients
    assert not cast


@pytest.mark.parametrize(
    "changed",
    [lambda self, x: nn.functional.linear(x, self.weight, self.bias) * 2, lambda self, x: self.no_such_weight],
    ids=["other values", "gone"],
)
def test_where_a_linear_layer_computes_otherwise_none_is_replaced_and_that_is_said_once(
    tiny_folders, monkeypatch, caplog, changed
):
    monkeypatch.setattr(nn.Linear, "forward", changed)
    frozen._rounds_alike.cache_clear()
    pretrained = tiny.prepared(tiny_folders["bert"], METHODS["lora"])
    for _ in range(2):
        with rounded_once(pretrained.module, bf16()):
            assert not [m for m in pretrained.module.modules() if "forward" in vars(m)]
    frozen._rounds_alike.cache_clear()
    (said,) = caplog.messages
    assert said.startswith("the forward pass of nn.Linear of torch ")


def test_trying_a_layer_leaves_torch_s_random_state_alone():
    before = torch.get_rng_state()
    assert frozen._agrees(torch.device("cpu"))
    assert torch.equal(torch.get_rng_state(), before)
