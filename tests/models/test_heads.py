"""Which parameters a checkpoint lacks is found by difference: these are drawn anew, and trained with any method."""

import json
import shutil
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from nlptl.core.errors import InputError
from nlptl.core.recipe import Recipe
from nlptl.core.records import LabelSpace
from nlptl.engine import loop
from nlptl.methods.adapter import Adapter
from nlptl.methods.full import Full
from nlptl.methods.lora import LoRA
from nlptl.runs import artifact
from tests import tiny

CLASSIFIER = {"classifier.weight", "classifier.bias"}
TWO_LAYERS = {"dense.weight", "dense.bias", "out_proj.weight", "out_proj.bias"}
HEADS = {
    "bert": CLASSIFIER,
    "roberta": {f"classifier.{name}" for name in TWO_LAYERS},
    "t5": {f"classification_head.{name}" for name in TWO_LAYERS},
}


@pytest.fixture
def with_head(folder, tmp_path) -> Path:
    """A checkpoint with a head for bad and good."""
    names = {0: "bad", 1: "good"}
    auto = transformers.AutoModelForSequenceClassification
    torch.manual_seed(9)
    model = auto.from_pretrained(folder, id2label=names, label2id={name: i for i, name in names.items()})
    return saved(model, folder, tmp_path / "with-head")


def saved(model, base: Path, folder: Path) -> Path:
    shutil.copytree(base, folder)
    model.save_pretrained(folder)
    return folder


def head_of(pretrained) -> dict[str, torch.Tensor]:
    return {name: p for name, p in tiny.state(pretrained.module.net).items() if name in pretrained.head}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_checkpoint_without_a_head_gets_one(folder, family):
    assert tiny.load(folder).head == HEADS[family]


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_a_pooled_head_is_new(folder, pooling):
    assert tiny.load(folder, pooling).head == CLASSIFIER


def test_label_words_need_no_head(tiny_folders):
    assert tiny.load(tiny_folders["t5"], "label_words").head == frozenset()


@pytest.mark.parametrize("pooling", ["native", "mean"])
def test_a_new_head_is_drawn_from_the_seed_alone(folder, pooling):
    first = head_of(tiny.load(folder, pooling, seed=1))
    torch.manual_seed(99)
    state = torch.get_rng_state()
    assert same(head_of(tiny.load(folder, pooling, seed=1)), first)
    assert torch.equal(torch.get_rng_state(), state)
    assert not same(head_of(tiny.load(folder, pooling, seed=2)), first)
    assert all(p.any() == (p.ndim > 1) for p in first.values())


def test_the_same_labels_in_the_same_order_keep_the_head(with_head, family):
    found = tiny.load(with_head)
    assert found.head == HEADS[family]  # a method trains it all the same
    stored = load_file(with_head / "model.safetensors")
    assert same(head_of(found), {name: stored[name] for name in HEADS[family]})


@pytest.mark.parametrize("names", [("good", "bad"), ("neg", "pos"), ("LABEL_0", "LABEL_1")], ids=", ".join)
def test_other_labels_get_a_new_head(with_head, names):
    stored = load_file(with_head / "model.safetensors")
    found = head_of(tiny.load(with_head, labels=LabelSpace(names)))
    assert all(not torch.equal(p, stored[name]) for name, p in found.items() if p.ndim > 1)
    assert same(found, head_of(tiny.load(with_head, labels=LabelSpace(names))))


def test_generic_label_names_in_the_checkpoint_get_a_new_head(folder, tmp_path):
    auto = transformers.AutoModelForSequenceClassification
    model = auto.from_pretrained(folder, id2label={0: "LABEL_0", 1: "LABEL_1"}, label2id={"LABEL_0": 0, "LABEL_1": 1})
    path = saved(model, folder, tmp_path / "generic")
    stored = load_file(path / "model.safetensors")
    assert all(not torch.equal(p, stored[name]) for name, p in head_of(tiny.load(path)).items() if p.ndim > 1)


def test_another_number_of_labels_gets_a_new_head(with_head, family):
    found = tiny.load(with_head, labels=tiny.THREE)
    assert found.head >= {name for name in HEADS[family] if "dense" not in name}
    assert tiny.logits(found).shape == (24, 3)
    assert found.module.net.config.id2label == {0: "bad", 1: "fine", 2: "good"}


@pytest.fixture
def without_pooler(tiny_folders, tmp_path) -> Path:
    """A BERT whose checkpoint has no pooler, as those of masked language models are."""
    path = shutil.copytree(tiny_folders["bert"], tmp_path / "without-pooler")
    state = load_file(path / "model.safetensors")
    kept = {name: value for name, value in state.items() if not name.startswith("pooler.")}
    assert len(kept) == len(state) - 2
    save_file(kept, path / "model.safetensors", metadata={"format": "pt"})
    return path


@pytest.mark.parametrize("method", [Full(), LoRA(rank=2), Adapter(bottleneck=4)], ids=["full", "lora", "adapter"])
def test_a_pooler_that_the_checkpoint_lacks_is_trained_and_saved(without_pooler, tmp_path, method):
    pretrained = tiny.prepared(without_pooler, method)
    assert pretrained.head == CLASSIFIER | {"bert.pooler.dense.weight", "bert.pooler.dense.bias"}
    pooler = {name for name in tiny.trainable(pretrained.module.net) if "pooler" in name}
    assert len(pooler) == 2
    before = tiny.state(pretrained.module.net)
    loop.train(tiny.job(pretrained, tmp_path / "checkpoints")[0], tiny.fp32())
    after = tiny.state(pretrained.module.net)
    assert all(not torch.equal(before[name], after[name]) for name in pooler)
    artifact.save(tmp_path / "model", pretrained, Recipe(method=method), {})
    assert torch.equal(tiny.logits(artifact.load(tmp_path / "model")[0]), tiny.logits(pretrained))


def test_a_pooler_that_the_checkpoint_has_stays_frozen_under_lora(tiny_folders):
    assert not [n for n in tiny.trainable(tiny.prepared(tiny_folders["bert"], LoRA()).module) if "pooler" in n]


# Models that nlptl wrote, as the start of another run.


def trained_artifact(folder: Path, tmp_path: Path, pooling: str) -> Path:
    pretrained = tiny.prepared(folder, Full(), pooling)
    loop.train(tiny.job(pretrained, tmp_path / "checkpoints")[0], tiny.fp32())
    artifact.save(tmp_path / "model", pretrained, Recipe(method=Full()), {})
    return tmp_path / "model"


@pytest.mark.parametrize("pooling", ["native", "mean"])
def test_training_goes_on_from_a_model_of_the_same_labels(folder, tmp_path, pooling):
    path = trained_artifact(folder, tmp_path, pooling)
    assert torch.equal(tiny.logits(tiny.load(path, pooling)), tiny.logits(artifact.load(path)[0]))


@pytest.mark.parametrize("names", [("good", "bad"), ("neg", "pos"), ("bad", "fine", "good")], ids=", ".join)
def test_a_pooled_head_of_other_labels_is_not_kept(tiny_folders, tmp_path, names):
    path = trained_artifact(tiny_folders["bert"], tmp_path, "mean")
    stored = load_file(path / "2_Dense" / "model.safetensors")["linear.weight"]
    found = tiny.load(path, "mean", labels=LabelSpace(names)).module.net.classifier.weight
    assert found.shape[0] != stored.shape[0] or not torch.equal(found, stored)


def test_a_model_keeps_float32_whatever_the_checkpoint_is_stored_in(tiny_folders, tmp_path):
    path = shutil.copytree(tiny_folders["bert"], tmp_path / "bf16")
    state = {name: value.bfloat16() for name, value in load_file(path / "model.safetensors").items()}
    save_file(state, path / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps(config | {"dtype": "bfloat16"}))
    assert {p.dtype for p in tiny.load(path).module.parameters()} == {torch.float32}


# Length.


def test_the_length_is_the_models_limit_where_that_is_lower(tiny_folders):
    found = {name: tiny.load(tiny_folders[name]).config.max_length for name in tiny.FAMILIES}
    assert found == {"bert": 64, "roberta": 62, "t5": 256}  # RoBERTa's positions begin at 2


def test_a_text_of_the_greatest_length_is_computed(folder):
    pretrained = tiny.load(folder)
    rows = tiny.examples(1, longest=1)
    long = [type(rows[0])(0, " ".join(tiny.WORDS * 12), label="good")]
    found = tiny.features(pretrained, long)
    assert len(found.input_ids) == pretrained.config.max_length
    assert found.full_lengths[0] > pretrained.config.max_length
    assert tiny.logits(pretrained, long).isfinite().all()


@pytest.mark.parametrize(("family", "limit"), [("bert", 64), ("roberta", 62)])
def test_a_length_beyond_the_models_is_refused(folder, limit):
    with pytest.raises(InputError, match=rf"model\.max_length is {limit + 1}, but .* takes at most {limit} tokens"):
        tiny.load(folder, max_length=limit + 1)


def test_a_text_that_spells_an_end_token_is_a_text_like_any_other(tiny_folders):
    pretrained = tiny.load(tiny_folders["t5"])
    row = tiny.examples(1)[0]
    rows = [row, type(row)(1, "a film </s> and its end", label="good")]
    assert tiny.logits(pretrained, rows).isfinite().all()
