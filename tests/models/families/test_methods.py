"""Every family x method: it starts at the base model, what is frozen stays, and what was trained is what loads."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from nlptl.core.config import ModelConfig
from nlptl.core.errors import InputError
from nlptl.core.protocols import Method
from nlptl.core.recipe import Recipe
from nlptl.core.records import LabelSpace, Pretrained
from nlptl.engine import inference, loop
from nlptl.engine.prefix import Prefix
from nlptl.engine.store import Store
from nlptl.methods.adapter import Adapter
from nlptl.methods.full import Full
from nlptl.methods.lora import LoRA
from nlptl.methods.probe import Probe
from nlptl.models import loading
from nlptl.runs import artifact
from tests import tiny, tiny_models

METHODS: dict[str, Method] = {
    "full": Full(),
    "probe": Probe(),
    "lora": LoRA(rank=2),
    "pfeiffer": Adapter(bottleneck=4),
    "houlsby": Adapter(variant="houlsby", bottleneck=4),
    "parallel": Adapter(variant="parallel", bottleneck=4),
}
Case = tuple[str, str, str]


def makes_sense(case: Case) -> bool:
    family, method, head = case
    return (method != "probe" or head == "mean") and (family != "bart" or method != "parallel")


CASES = [c for f in tiny_models.OTHERS for m in METHODS for h in ("native", "mean") if makes_sense(c := (f, m, h))]
PACKED = ("distilbert", "electra")


@dataclass
class Trained:
    """A case after three updates, and where it was saved."""

    pretrained: Pretrained
    before: dict[str, torch.Tensor]
    start: torch.Tensor
    folder: Path


def train(case: Case, base: Path, folder: Path) -> Trained:
    method = METHODS[case[1]]
    pretrained = tiny.prepared(base, method, case[2])
    before, start = tiny.state(pretrained.module), tiny.logits(pretrained)
    job, _ = tiny.job(pretrained, folder / "checkpoints", tiny.train_config(weight_decay=0.0))
    assert loop.train(job, tiny.fp32()).update == 3
    artifact.save(folder / "model", pretrained, Recipe(method=method), {"text": "text"})
    return Trained(pretrained, before, start, folder / "model")


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_it_starts_at_the_base_trains_what_it_says_and_loads_again(case, tiny_folders, tmp_path):
    run = train(case, tiny_folders[case[0]], tmp_path)
    if case[1] not in ("full", "probe"):
        assert torch.equal(run.start, tiny.logits(tiny.load(tiny_folders[case[0]], case[2])))
    names, after = tiny.trainable(run.pretrained.module), tiny.state(run.pretrained.module)
    assert {name for name in after if not torch.equal(run.before[name], after[name])} == names
    assert all(p.isfinite().all() for p in after.values())
    found = tiny.logits(run.pretrained)
    assert (found - run.start).abs().max() > 1e-3  # else an untrained model would pass, too
    torch.manual_seed(123)
    assert torch.equal(tiny.logits(artifact.load(run.folder)[0]), found)


# What trains, written out by hand: the names inside a layer that LoRA puts updates beside, and that adapters wrap.

LINEAR = {
    "distilbert": "attention.q_lin attention.k_lin attention.v_lin attention.out_lin ffn.lin1 ffn.lin2",
    "electra": "attention.self.query attention.self.key attention.self.value attention.output.dense "
    "intermediate.dense output.dense",
    "deberta_v2": "attention.self.query_proj attention.self.key_proj attention.self.value_proj "
    "attention.output.dense intermediate.dense output.dense",
    "modernbert": "attn.Wqkv attn.Wo mlp.Wi mlp.Wo",
    "bart": "self_attn.k_proj self_attn.v_proj self_attn.q_proj self_attn.out_proj fc1 fc2",
    "gpt2": "attn.c_attn attn.c_proj mlp.c_fc mlp.c_proj",
}
CROSS = "encoder_attn.k_proj encoder_attn.v_proj encoder_attn.q_proj encoder_attn.out_proj"
SUB_LAYERS = {
    "distilbert": ("attention", "ffn"),
    "electra": ("attention.output", "output"),
    "deberta_v2": ("attention.output", "output"),
    "modernbert": ("attn", "mlp"),
    "bart": ("self_attn", "fc2"),
    "gpt2": ("attn", "mlp"),
}
STACKS = {
    "distilbert": "distilbert.transformer.layer",
    "electra": "electra.encoder.layer",
    "deberta_v2": "deberta.encoder.layer",
    "modernbert": "model.layers",
    "bart": "model.encoder.layers",
    "gpt2": "transformer.h",
}


def places(family: str, names: list[str], in_decoder: list[str]) -> set[str]:
    """Returns the full names of modules inside the layers; of BART in the decoder, too."""
    stack = STACKS[family]
    found = {f"{stack}.{i}.{name}" for i in (0, 1) for name in names}
    decoder = {f"model.decoder.layers.{i}.{name}" for i in (0, 1) for name in names + in_decoder}
    return found | decoder if family == "bart" else found


def wrapped(net: Any, part: str) -> set[str]:
    """Returns the names of the modules that carry a method's trainable parameters."""
    return {name.partition(part)[0] for name in tiny.trainable(net) if part in name}


def test_lora_is_put_beside_every_linear_layer_of_the_stack(folder, family):
    net = tiny.prepared(folder, LoRA(rank=2)).module.net
    assert wrapped(net, ".lora_A") == places(family, LINEAR[family].split(), CROSS.split())


def test_lora_on_the_attention_alone_leaves_the_rest(folder, family):
    net = tiny.prepared(folder, LoRA(rank=2, targets="attention")).module.net
    own = [name for name in LINEAR[family].split() if "att" in name]
    assert wrapped(net, ".lora_A") == places(family, own, CROSS.split())


@pytest.mark.parametrize("variant", ["houlsby", "pfeiffer"])
def test_adapters_are_put_behind_the_sub_layers(folder, family, variant):
    net = tiny.prepared(folder, Adapter(variant=variant, bottleneck=4)).module.net
    both = variant == "houlsby"
    own = list(SUB_LAYERS[family][0 if both else 1 :])
    assert wrapped(net, ".bottleneck_down") == places(family, own, ["encoder_attn"] if both else [])


def test_adapters_beside_a_block_that_is_no_module_are_refused(tiny_folders):
    with pytest.raises(InputError, match=r"parallel .* choose houlsby or pfeiffer"):
        tiny.prepared(tiny_folders["bart"], Adapter(variant="parallel"))


@pytest.mark.parametrize("method", [LoRA(layers="last:1"), Adapter(layers="last:1")], ids=["lora", "adapter"])
@pytest.mark.parametrize("head", ["native", "mean"])
def test_the_last_layer_alone_can_be_adapted(tiny_folders, method, head):
    for family in set(tiny_models.OTHERS) - {"bart"}:
        net = tiny.prepared(tiny_folders[family], method, head).module.net
        stack = f"{STACKS[family].rpartition('.')[2]}."
        assert {n.split(f".{stack}")[1][0] for n in tiny.trainable(net) if f".{stack}" in n} == {"1"}


# The frozen prefix.


@pytest.mark.parametrize("family", PACKED)
@pytest.mark.parametrize("head", ["native", "mean"])
def test_layers_below_the_first_trained_one_are_computed_once(tiny_folders, family, head):
    module = tiny.prepared(tiny_folders[family], LoRA(rank=2, layers="last:1"), head).module.eval()
    assert module.cut() == 1
    pretrained = tiny.load(tiny_folders[family], head)
    own = tiny.batch(pretrained)
    with torch.no_grad():
        below = module.prefix(own, 1)
        torch.testing.assert_close(module(replace(own, states=below), 1), module(own), rtol=0, atol=1e-6)
    assert tiny.prepared(tiny_folders[family], Full(), head).module.cut() == 0


def test_the_whole_encoder_under_a_probe_is_computed_once(folder):
    pretrained = tiny.prepared(folder, Probe(), "mean")
    module, found = pretrained.module, tiny.features(pretrained)
    assert module.cut() == module.depth() == 2
    prefix = Prefix(module, found, tiny.fp32(), Store(1.0, None))
    assert prefix.vectors.shape == (24, 32)
    answers = inference.answers(module, found, tiny.fp32(), prefix)
    np.testing.assert_allclose(answers, tiny.logits(pretrained), rtol=0, atol=1e-6)


# Which part of a head is drawn.


def test_a_part_of_the_head_that_pretraining_gave_is_kept(tiny_folders, tmp_path):
    """ModernBERT's head begins with the dense layer of its masked language model."""
    torch.manual_seed(3)
    config = transformers.AutoConfig.from_pretrained(tiny_folders["modernbert"])
    written = transformers.ModernBertForMaskedLM(config)
    tiny_models.TOKENIZERS["modernbert"]().save_pretrained(tmp_path)
    written.save_pretrained(tmp_path)
    pretrained = tiny.load(tmp_path)
    assert torch.equal(pretrained.module.net.head.dense.weight, written.head.dense.weight)
    assert {"head.dense.weight", "classifier.weight"} < pretrained.head
    other = tiny.load(tmp_path, seed=2).module.net
    assert torch.equal(other.head.dense.weight, written.head.dense.weight)
    assert not torch.equal(other.classifier.weight, pretrained.module.net.classifier.weight)


@pytest.mark.parametrize("head", ["label_words", "text"])
def test_a_layer_that_writes_is_kept_where_it_is_not_the_embedding(head, tmp_path):
    tiny_models.TOKENIZERS["t5"]().save_pretrained(tmp_path)
    torch.manual_seed(3)
    net = tiny.make_net("t5", tie_word_embeddings=False)
    net.save_pretrained(tmp_path)
    if head == "text":
        config = ModelConfig(name=str(tmp_path))
        found = loading.load(config, loading.Wanted("text", LabelSpace(())), seed=1)
    else:
        found = tiny.load(tmp_path, "label_words")
    assert torch.equal(found.module.net.lm_head.weight, net.lm_head.weight)
    assert found.head == frozenset()


def test_embeddings_that_the_checkpoint_lacks_are_never_drawn(tiny_folders, tmp_path):
    path = shutil.copytree(tiny_folders["electra"], tmp_path / "electra")
    state = load_file(path / "model.safetensors")
    del state["embeddings_project.weight"]
    save_file(state, path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"lacks 1 of the model's parameters, such as '\S*embeddings_project.weight'"):
        tiny.load(path)
