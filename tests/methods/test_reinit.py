"""Top layers that are drawn anew: which they are, from what they are drawn, and what the seed decides."""

import pytest
import torch
from torch import nn

from nlptl.core import registry
from nlptl.core.errors import InputError
from nlptl.engine import loop, optim
from nlptl.methods.full import Full
from nlptl.methods.partial import Partial
from tests import tiny

FAMILIES = registry.names("family")
CASES = [(family, "native") for family in FAMILIES] + [(family, "mean") for family in FAMILIES]
CASES += [("t5", "label_words")]


def moved(base, method, pooling="native", seed=2):
    """Returns a model whose pretrained weights are far from any that are drawn, before and after a method's work."""
    pretrained = tiny.load(base, pooling)
    with torch.no_grad():
        for parameter in pretrained.module.parameters():
            parameter.add_(3)
    before = tiny.state(pretrained.module)
    torch.manual_seed(seed)
    method.prepare(pretrained)
    return pretrained, before, tiny.state(pretrained.module)


def changed(before, after):
    return {name for name in before if not torch.equal(before[name], after[name])}


def expected_names(pretrained, n):
    """The last n layers; over an encoder alone also what is above them and not the new head."""
    levels, n_layers = pretrained.module.levels(), len(pretrained.module.blocks())
    head = {f"net.{name}" for name in pretrained.head}
    highest = n_layers if pretrained.module.decodes else n_layers + 1
    return {name for name, level in levels.items() if n_layers - n < level <= highest} - head


@pytest.mark.parametrize(("family", "pooling"), CASES)
@pytest.mark.parametrize("n", [1, 2])
def test_exactly_the_top_layers_are_drawn_anew_and_all_of_them(tiny_folders, family, pooling, n):
    pretrained, before, after = moved(tiny_folders[family], Full(reinit_layers=n), pooling)
    names = expected_names(pretrained, n)
    assert names
    assert changed(before, after) == names
    assert all(after[name].abs().mean() < 1.5 for name in names)
    assert tiny.trainable(pretrained.module) == before.keys()


def test_by_default_nothing_is_drawn_anew(folder):
    for method in (Full(), Partial(layers="last:1")):
        if method == Full() or "t5" not in str(folder):
            assert changed(*moved(folder, method)[1:]) == set()


@pytest.mark.parametrize(
    ("n", "places"), [(1, "decoder.block.1"), (3, "decoder.block.1 decoder.block.0 encoder.block.1")]
)
def test_if_the_head_reads_a_decoder_its_layers_are_the_top_ones(tiny_folders, n, places):
    pretrained, before, after = moved(tiny_folders["t5"], Full(reinit_layers=n))
    assert pretrained.module.decodes
    names = {name.removeprefix("net.transformer.") for name in changed(before, after)}
    assert {name.partition(".layer.")[0] for name in names} == set(places.split())


def test_weights_are_those_that_pretraining_starts_with(tiny_folders):
    for family, std in (("bert", 0.2), ("gpt2", 0.2)):
        pretrained, _, _ = moved(tiny_folders[family], Full(reinit_layers=1))
        for name, module in pretrained.module.blocks()[-1].named_modules():
            if isinstance(module, nn.LayerNorm):
                assert torch.equal(module.weight, torch.ones_like(module.weight))
                assert torch.equal(module.bias, torch.zeros_like(module.bias))
            elif (weight := getattr(module, "weight", None)) is not None:
                wanted = std / 2 if name.endswith("c_proj") else std  # GPT-2's outputs: by the root of twice two layers
                assert weight.std().item() == pytest.approx(wanted, rel=0.1), name
                assert weight.mean().item() == pytest.approx(0, abs=std / 10), name
                assert torch.equal(module.bias, torch.zeros_like(module.bias))


def test_berts_pooler_is_drawn_with_the_layers_below_it(tiny_folders):
    _, before, after = moved(tiny_folders["bert"], Full(reinit_layers=1))
    name = "net.bert.pooler.dense.weight"
    assert name in changed(before, after)
    assert after[name].std().item() == pytest.approx(0.2, rel=0.1)


def test_the_seed_decides(tiny_folders):
    one, same, other = (moved(tiny_folders["bert"], Full(reinit_layers=1), seed=seed)[2] for seed in (2, 2, 3))
    assert changed(one, same) == set()
    matrices = {name for name in one if "layer.1." in name and one[name].ndim > 1}
    assert matrices <= changed(one, other)


@pytest.mark.parametrize(
    ("family", "method", "pooling", "most"),
    [
        ("bert", Full(reinit_layers=3), "native", 2),
        ("t5", Full(reinit_layers=5), "native", 4),
        ("t5", Full(reinit_layers=3), "mean", 2),
        ("bert", Partial(layers="last:1", reinit_layers=2), "native", 1),
        ("t5", Partial(layers="all", reinit_layers=9), "mean", 2),
    ],
)
def test_more_layers_than_are_trained_are_refused_with_their_number(tiny_folders, family, method, pooling, most):
    with pytest.raises(InputError, match=rf"reinit_layers must be at most {most}, .* found {method.reinit_layers}"):
        tiny.prepared(tiny_folders[family], method, pooling)


@pytest.mark.parametrize("method", [Full, Partial])
def test_a_negative_number_is_refused(method):
    with pytest.raises(InputError, match=r"method\.reinit_layers must be at least 0, found -1"):
        method(reinit_layers=-1)


def test_an_architecture_that_does_not_say_how_it_begins_is_refused(tiny_folders, monkeypatch):
    pretrained = tiny.load(tiny_folders["bert"])
    monkeypatch.setattr(type(pretrained.module.backbone), "_init_weights", lambda self, module: None)
    with pytest.raises(InputError, match=r"does not say how to draw its parameter 'attention\.\S+' anew"):
        Full(reinit_layers=1).prepare(pretrained)


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_what_is_frozen_below_stays_and_is_computed_once(tiny_folders, tmp_path, monkeypatch, family):
    monkeypatch.setattr(optim, "optimizer", lambda own, *_, **__: torch.optim.SGD(own, lr=0.1, fused=True))
    runs = []
    for gib in (1.0, 0.0):
        method = Partial(layers="last:1", reinit_layers=1)
        pretrained = tiny.prepared(tiny_folders[family], method, "mean", dropout=0.0)
        assert pretrained.module.cut() == 1
        frozen = {n: p.detach().clone() for n, p in pretrained.module.named_parameters() if not p.requires_grad}
        config = tiny.train_config(epochs=2, cache_gib=gib, cache_dir=str(tmp_path / "cache"))
        job, record = tiny.job(pretrained, tmp_path / str(gib), config)
        loop.train(job, tiny.fp32())
        after = tiny.state(pretrained.module)
        assert all(torch.equal(after[name], value) for name, value in frozen.items())
        runs.append((record.losses, after))
    assert runs[0][0] == pytest.approx(runs[1][0], abs=1e-6)
    torch.testing.assert_close(runs[0][1], runs[1][1], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("family", "n", "names"),
    [
        ("bert", 1, ["from layer 2 up", "from layer 1 up"]),
        ("bert", 2, ["from layer 1 up"]),
        ("t5", 3, ["from layer 2 up", "from layer 1 up"]),
    ],
)
def test_gradual_unfreezing_begins_with_all_layers_that_were_drawn(tiny_folders, family, n, names):
    method = Full(unfreeze="gradual", reinit_layers=n)
    pretrained, before, after = moved(tiny_folders[family], method)
    found = method.phases(pretrained, 5)
    assert [phase.name for phase in found] == names
    assert sum(phase.share for phase in found) == 5
    found[0].begin()
    assert changed(before, after) <= tiny.trainable(pretrained.module)
