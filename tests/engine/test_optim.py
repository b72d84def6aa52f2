"""Learning rates by update, and what is decayed."""

import math

import pytest
import torch

from nlptl.core.config import TrainConfig
from nlptl.engine import optim
from nlptl.methods.adapter import Adapter
from nlptl.methods.full import Full
from nlptl.methods.lora import LoRA
from tests import tiny


def cosine(done: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * done))


@pytest.mark.parametrize(
    ("schedule", "warmup", "values"),
    [
        ("linear", 0, {0: 1.0, 25: 0.75, 50: 0.5, 99: 0.01}),
        ("linear", 20, {0: 0.05, 9: 0.5, 19: 1.0, 20: 1.0, 60: 0.5, 99: 1 / 80}),
        ("linear", 6, {0: 1 / 6, 5: 1.0, 6: 1.0, 53: 0.5}),
        ("cosine", 20, {0: 0.05, 19: 1.0, 20: 1.0, 40: cosine(0.25), 60: 0.5, 80: cosine(0.75)}),
        ("constant", 20, {0: 0.05, 19: 1.0, 20: 1.0, 99: 1.0}),
        ("constant", 0, {0: 1.0, 99: 1.0}),
        ("one_cycle", 30, {0: cosine(29 / 30), 14: 0.5, 29: 1.0, 30: 1.0, 65: 0.5}),
        ("one_cycle", 50, {24: 0.5, 49: 1.0, 75: 0.5}),
        ("linear", 200, {0: 1 / 200, 99: 0.5}),
    ],
)
def test_the_learning_rate_of_an_update(schedule, warmup, values):
    config = TrainConfig(schedule=schedule, warmup=warmup)
    found = {update: optim.lr_factor(update, 100, config) for update in values}
    assert found == pytest.approx(values)


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant", "one_cycle"])
@pytest.mark.parametrize("n_updates", [1, 2, 3, 17, 100])
def test_every_update_learns_and_none_above_the_peak(schedule, n_updates):
    config = TrainConfig(schedule=schedule)
    factors = [optim.lr_factor(update, n_updates, config) for update in range(n_updates)]
    assert all(0 < factor <= 1 for factor in factors)
    assert max(factors) == pytest.approx(1.0)
    peak = factors.index(max(factors))
    assert factors[: peak + 1] == sorted(factors[: peak + 1])
    assert factors[peak:] == sorted(factors[peak:], reverse=True)


METHODS = {"full": Full(), "lora": LoRA(rank=2), "adapter": Adapter()}


@pytest.mark.parametrize("method", METHODS)
def test_biases_and_norms_are_not_decayed(folder, method):
    model = tiny.prepared(folder, METHODS[method]).module
    groups = optim.optimizer([p for p in model.parameters() if p.requires_grad], 1e-3, 0.3).param_groups
    decays = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    named = {name: p for name, p in model.named_parameters() if p.requires_grad}
    assert decays.keys() == {id(p) for p in named.values()}
    for name, p in named.items():
        is_plain = name.endswith("bias") or "norm" in name.lower()
        is_plain &= "relative_attention_bias" not in name
        assert decays[id(p)] == (0.0 if is_plain else 0.3), name


def test_all_groups_take_the_learning_rate(tiny_folders):
    optimizer = optim.optimizer(list(tiny.prepared(tiny_folders["bert"], Full()).module.parameters()), 1e-3, 0.1)
    optim.set_lr(optimizer, 0.5)
    assert {group["lr"] for group in optimizer.param_groups} == {0.5}
    assert isinstance(optimizer, torch.optim.AdamW)


@pytest.mark.parametrize("max_norm", [0.0, 0.1, 100.0])
def test_steps_that_ask_the_device_for_nothing_are_those_of_the_host(max_norm):
    """With infinite, then finite gradients: the first are left out."""
    runs = []
    for on_device in (False, True):
        weight = torch.nn.Parameter(torch.arange(4.0).view(2, 2))
        made = optim.optimizer([weight], 0.1, 0.01, on_device=on_device)
        for update, scale in enumerate((math.inf, 1.0, 2.0)):
            optim.set_lr(made, 0.1 / (1 + update))
            weight.grad = torch.full((2, 2), scale)
            norm = torch.nn.utils.get_total_norm([weight.grad])
            if on_device:
                optim.step_if_finite(made, torch.stack((torch.tensor(1.0), norm)), max_norm)
            elif norm.isfinite():
                weight.grad /= max(1.0, norm.item() / (max_norm or math.inf))
                made.step()
        runs.append(weight.detach())
    assert runs[0].isfinite().all()
    torch.testing.assert_close(runs[1], runs[0])
