"""Checkpoints, artifacts and runs from outside: what is in them is data. Each case would leave a mark if it ran."""

import json
import os
import pickle
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from nlptl.core.config import ModelConfig
from nlptl.core.errors import InputError
from nlptl.core.recipe import Recipe
from nlptl.methods.full import Full
from nlptl.methods.lora import LoRA
from nlptl.models import loading
from nlptl.models.licence import licence_of
from nlptl.runs import artifact
from nlptl.runs.folder import Folder
from nlptl.tasks.sentiment import Sentiment
from tests import tiny

PICKLES = (
    "pytorch_model.bin",
    "adapter_model.bin",
    "training_args.bin",
    "optimizer.pt",
    "scheduler.pt",
    "rng_state.pth",
    "tokenizer.pkl",
    "model.ckpt.index",
    "flax_model.msgpack",
    "tf_model.h5",
)
SCRIPTS = ("modeling_bert.py", "configuration_bert.py", "__init__.py", "setup.py", "sitecustomize.py", "own.py")


class Exploit:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        """What unpickling calls."""
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def mark(tmp_path: Path) -> Any:
    """The place of a mark, which must not be there at the end."""
    path = tmp_path / "mark"
    yield path
    assert not path.exists(), "code from outside ran"


@pytest.fixture
def checkpoint(tiny_folders: dict[str, Path], tmp_path: Path) -> Path:
    """A good checkpoint, to be made bad."""
    return shutil.copytree(tiny_folders["bert"], tmp_path / "checkpoint")


@pytest.fixture
def saved(checkpoint: Path, tmp_path: Path) -> Any:
    """Returns the artifact of a method."""

    def call(method: Any) -> Path:
        folder = tmp_path / "model"
        recipe = Recipe(task=Sentiment(), method=method, model=ModelConfig(name=str(checkpoint)))
        artifact.save(folder, tiny.prepared(checkpoint, method), recipe, {})
        return folder

    return call


def change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def infect(folder: Path, mark: Path) -> None:
    for name in PICKLES:
        (folder / name).write_bytes(pickle.dumps(Exploit(mark)))
    for name in SCRIPTS:
        (folder / name).write_text(f"import os; os.mkdir({str(mark)!r})")


def load(folder: Path) -> Any:
    return loading.load(ModelConfig(name=str(folder)), loading.Wanted("class", tiny.LABELS), seed=0)


def test_an_exploit_would_leave_its_mark(tmp_path):
    pickle.loads(pickle.dumps(Exploit(tmp_path / "mark")))
    assert (tmp_path / "mark").exists()


def test_pickles_and_scripts_beside_the_weights_are_not_touched(checkpoint, mark, tiny_folders):
    infect(checkpoint, mark)
    assert torch.equal(tiny.logits(load(checkpoint)), tiny.logits(load(tiny_folders["bert"])))


@pytest.mark.parametrize("method", [Full(), LoRA()], ids=["full", "lora"])
def test_pickles_and_scripts_beside_an_artifact_are_not_touched(saved, mark, method):
    folder = saved(method)
    expected = tiny.logits(artifact.load(folder)[0])
    infect(folder, mark)
    assert torch.equal(tiny.logits(artifact.load(folder)[0]), expected)


@pytest.mark.parametrize(
    ("file", "values"),
    [
        ("config.json", {"auto_map": {"AutoConfig": "own.Config", "AutoModel": "own.Model"}}),
        ("config.json", {"auto_map": {"AutoModelForSequenceClassification": "someone/repo--own.Model"}}),
        ("config.json", {"text_config": {"auto_map": {"AutoModel": "own.Model"}}}),
        ("config.json", {"custom_pipelines": {"text-classification": {"impl": "own.Pipeline"}}}),
        ("config.json", {"trust_remote_code": True}),
        ("config.json", {"_attn_implementation_internal": "someone/kernel"}),
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["own.Tokenizer", None]}}),
        ("generation_config.json", {"trust_remote_code": True}),
    ],
)
def test_keys_that_choose_code_are_refused(checkpoint, mark, file, values):
    infect(checkpoint, mark)
    if not (checkpoint / file).exists():
        (checkpoint / file).write_text("{}")
    change(checkpoint / file, **values)
    with pytest.raises(InputError, match="which makes loading run code of the checkpoint's author"):
        load(checkpoint)


def test_an_adapter_does_not_choose_a_module_to_import(saved, mark, monkeypatch, tmp_path):
    folder = saved(LoRA())
    (tmp_path / "own_module_of_an_attacker.py").write_text(f"import os; os.mkdir({str(mark)!r})")
    monkeypatch.syspath_prepend(str(tmp_path))
    change(folder / "adapter_config.json", megatron_core="own_module_of_an_attacker", megatron_config={"a": 1})
    with pytest.raises(InputError, match="'megatron_config', which makes loading run code"):
        artifact.load(folder, trust_changes=True)


@pytest.mark.parametrize("kind", ["task", "method"])
def test_an_artifact_does_not_choose_a_class_to_import(saved, mark, monkeypatch, tmp_path, kind):
    folder = saved(Full())
    (tmp_path / "own_module_of_an_attacker.py").write_text(f"import os; os.mkdir({str(mark)!r})")
    monkeypatch.syspath_prepend(str(tmp_path))
    change(folder / "nlptl.json", **{kind: {"name": "own_module_of_an_attacker.Method"}})
    with pytest.raises(InputError, match=f"{kind} 'own_module_of_an_attacker.Method' is not imported"):
        artifact.load(folder, trust_changes=True)
    assert "own_module_of_an_attacker" not in sys.modules


@pytest.mark.parametrize("name", ["../elsewhere.safetensors", "/elsewhere.safetensors", "sub/w.safetensors", 3])
def test_weights_lie_in_the_checkpoint_itself(checkpoint, name):
    (checkpoint / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
    with pytest.raises(InputError, match="weights must lie in the folder itself"):
        load(checkpoint)


def test_a_model_card_is_read_as_data(checkpoint, mark):
    card = f"---\nlicense: !!python/object/apply:os.mkdir [{str(mark)!r}]\n---\n"
    (checkpoint / "README.md").write_text(card)
    assert licence_of(checkpoint) is None
    assert tiny.logits(load(checkpoint)).isfinite().all()


def test_a_recipe_is_read_as_data(tmp_path, mark):
    (tmp_path / "recipe.yaml").write_text(f"task: !!python/object/apply:os.mkdir [{str(mark)!r}]\n")
    with pytest.raises(InputError, match=r"recipe\.yaml is damaged: could not determine a constructor"):
        Folder(tmp_path).recipe()


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_a_file_that_is_nested_without_end_is_refused(checkpoint, file):
    (checkpoint / file).write_text("[" * 200_000 + "]" * 200_000)
    with pytest.raises(InputError, match=f"{file} is not valid JSON"):
        load(checkpoint)


@pytest.mark.parametrize(
    "values",
    [
        {"labels": None},
        {"labels": {"names": ["a", "b"]}},
        {"labels": {"names": ["a", ["b"]], "values": None, "mean": 0.0, "scale": 1.0}},
        {"labels": {"names": ["a", 3], "values": None, "mean": 0.0, "scale": 1.0}},
        {"columns": ["a"]},
        {"trained": {"classifier.weight": 3}},
        {"base": {"reference": None}},
        {"columns": 3},
        {"task": None},
        {"task": "sentiment"},
        {"method": {"rank": 3}},
        {"model": {"name": "x", "code": "own.py"}},
    ],
)
def test_an_artifact_s_card_that_was_tampered_with_is_refused(saved, values):
    folder = saved(Full())
    change(folder / "nlptl.json", **values)
    with pytest.raises(InputError):
        artifact.load(folder, trust_changes=True)
