"""Partial fine-tuning trains the upper layers and the head; what lies below is computed once."""

from dataclasses import replace

import pytest
import torch
import transformers

from nlptl import InputError, ModelConfig, Partial
from nlptl.core import registry
from nlptl.core.records import LabelSpace
from nlptl.engine import loop
from nlptl.models import loading
from tests import tiny

FAMILIES = registry.names("family")
STACKS = {"bart": "layers", "gpt2": "h", "modernbert": "layers", "t5": "block"}
NATIVE = [name for name in FAMILIES if name not in ("bart", "t5")]


def stack_of(family: str) -> str:
    return STACKS.get(family, "layer")


def trained_layers(pretrained, family: str) -> set[str]:
    mark = f".{stack_of(family)}."
    return {name.split(mark)[1].split(".")[0] for name in tiny.trainable(pretrained.module.net) if mark in name}


@pytest.mark.parametrize("pooling", ["native", "mean"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_last_layer_and_the_head_train_and_no_embedding(tiny_folders, family, pooling):
    if pooling == "native" and family not in NATIVE:
        with pytest.raises(InputError, match="also decodes: set model"):
            tiny.prepared(tiny_folders[family], Partial(layers="last:1"), pooling)
        return
    pretrained = tiny.prepared(tiny_folders[family], Partial(layers="last:1"), pooling)
    trainable = set(tiny.trainable(pretrained.module.net))
    assert trained_layers(pretrained, family) == {"1"}
    assert set(pretrained.head) <= trainable
    assert not any("embed" in name or "wte" in name or "wpe" in name or "shared" in name for name in trainable)
    assert all(tiny.trainable(tiny.prepared(tiny_folders[family], Partial(layers="all"), pooling).module.net))


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "electra", "t5"])
def test_what_lies_below_is_computed_once(tiny_folders, family):
    pretrained = tiny.prepared(tiny_folders[family], Partial(layers="last:1"), "mean")
    assert pretrained.module.cut() == 1
    assert tiny.prepared(tiny_folders[family], Partial(layers="all"), "mean").module.cut() == 0


@torch.no_grad()
def test_a_t5_goes_on_from_the_middle_as_transformers_runs_it_from_the_start(tiny_folders):
    pretrained = tiny.prepared(tiny_folders["t5"], Partial(layers="last:1"), "mean")
    module, batch = pretrained.module.eval(), tiny.batch(pretrained)
    family, backbone = pretrained.family, module.backbone
    whole = family.states(backbone, batch)
    assert torch.equal(family.between(backbone, batch, 0, 2), whole)
    below = family.between(backbone, batch, 0, 1)
    assert torch.equal(family.between(backbone, replace(batch, states=below), 1, 2), whole)


def test_a_t5_trains_the_same_from_the_middle(tiny_folders, tmp_path):
    states = []
    for gib in (1.0, 0.0):
        pretrained = tiny.prepared(tiny_folders["t5"], Partial(layers="last:1"), "mean", dropout=0.0)
        config = tiny.train_config(epochs=2, cache_gib=gib, cache_dir=str(tmp_path / "cache"))
        job, record = tiny.job(pretrained, tmp_path / str(gib), config)
        loop.train(job, tiny.fp32())
        states.append((record.losses, {n: p.clone() for n, p in pretrained.module.net.named_parameters()}))
    assert states[0][0] == pytest.approx(states[1][0], abs=1e-6)
    torch.testing.assert_close(states[0][1], states[1][1], rtol=0, atol=1e-5)


@pytest.mark.parametrize("layers", ["last:0", "last:3", "last", "first:1", "2", ""])
def test_a_wrong_setting_says_what_is_possible(tiny_folders, layers):
    with pytest.raises(InputError, match=r'"all" or "last:k" with k from 1 to 2'):
        tiny.prepared(tiny_folders["bert"], Partial(layers=layers))


def test_tags_and_spans_train_their_layers_too(tiny_folders):
    for output, labels in (("tags", LabelSpace(("O", "B-a"))), ("span", LabelSpace(("start", "end")))):
        config = ModelConfig(name=str(tiny_folders["bert"]))
        pretrained = loading.load(config, loading.Wanted(output, labels), seed=1)
        Partial(layers="last:1").prepare(pretrained)
        assert trained_layers(pretrained, "bert") == {"1"}
        assert pretrained.module.cut() == 1


def test_the_saved_folder_is_a_plain_transformers_model(tiny_folders, tmp_path):
    pretrained = tiny.prepared(tiny_folders["bert"], Partial())
    Partial().save(pretrained, tmp_path)
    loaded = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path)
    for name, value in pretrained.module.net.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name])
