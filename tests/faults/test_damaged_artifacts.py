"""Artifacts that were damaged or edited: what loads is what was trained, or nothing loads, and the reason is named."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import nlptl
from nlptl.core.config import ModelConfig
from nlptl.core.errors import InputError, TrainingError
from nlptl.core.recipe import Recipe
from nlptl.core.records import LabelSpace, Pretrained
from nlptl.methods.adapter import Adapter
from nlptl.methods.full import Full
from nlptl.methods.lora import LoRA
from nlptl.methods.partial import Partial
from nlptl.methods.probe import Probe
from nlptl.models import loading
from nlptl.runs import artifact
from nlptl.tasks.classification import Classification
from nlptl.tasks.extractive_qa import ExtractiveQA
from nlptl.tasks.sentiment import Sentiment
from nlptl.tasks.text2text import Text2Text
from nlptl.tasks.token_classification import TokenClassification
from tests import tiny
from tests.faults.small import say


class Case(NamedTuple):
    """What is saved."""

    family: str
    method: Any
    pooling: str | None = "native"
    task: Any = Sentiment()
    labels: LabelSpace = tiny.LABELS
    head: str = "classifier"


TAGS = LabelSpace(("O", "B-good", "I-good"))
CASES = {
    "full": Case("bert", Full()),
    "partial": Case("bert", Partial(layers="last:1")),
    "full-pooled": Case("bert", Full(), "mean"),
    "full-t5": Case("t5", Full()),
    "full-several": Case("roberta", Full(), task=Classification(labels="several"), labels=tiny.THREE),
    "full-tags": Case("bert", Full(), None, TokenClassification(), TAGS),
    "full-span": Case("bert", Full(), None, ExtractiveQA(), ExtractiveQA().label_space([], None)),
    "full-text": Case("t5", Full(), None, Text2Text(), LabelSpace(())),
    "full-words": Case("t5", Full(), head="label_words"),
    "lora": Case("bert", LoRA(rank=2)),
    "dora": Case("bert", LoRA(rank=2, decomposition="dora")),
    "lora-pooled": Case("roberta", LoRA(rank=2), "max"),
    "lora-tags": Case("bert", LoRA(rank=2), None, TokenClassification(), TAGS),
    "lora-words": Case("t5", LoRA(rank=2), head="label_words"),
    "adapter": Case("t5", Adapter(bottleneck=4)),
    "adapter-span": Case("bert", Adapter(bottleneck=4), None, ExtractiveQA(), ExtractiveQA().label_space([], None)),
    "probe": Case("bert", Probe(), "mean"),
    "probe-tags": Case("bert", Probe(), "none", TokenClassification(), TAGS),
}
cases = pytest.mark.parametrize("name", CASES)
of_each_method = pytest.mark.parametrize("name", ["full", "lora", "adapter", "probe"])


class Saved(NamedTuple):
    """An artifact, and the model in it."""

    folder: Path
    pretrained: Pretrained


@pytest.fixture(scope="module")
def originals(tiny_folders, tmp_path_factory) -> Callable[[str], Saved]:
    """Saves each case, once."""
    found: dict[str, Saved] = {}

    def get(name: str) -> Saved:
        if name not in found:
            found[name] = save(CASES[name], tiny_folders, tmp_path_factory.mktemp(name) / "model")
        return found[name]

    return get


def save(case: Case, folders: dict[str, Path], folder: Path) -> Saved:
    config = ModelConfig(name=str(folders[case.family]), pooling=case.pooling, head=case.head)
    wanted = loading.Wanted(case.task.output, case.labels, case.method.default_pooling)
    pretrained = loading.load(config, wanted, seed=7)
    torch.manual_seed(8)
    case.method.prepare(pretrained)
    with torch.no_grad():
        for parameter in pretrained.module.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn_like(parameter))  # as if trained: nothing is zero any more
    artifact.save(folder, pretrained, Recipe(task=case.task, method=case.method), {})
    return Saved(folder, pretrained)


@pytest.fixture
def saved(originals, tmp_path) -> Callable[[str], Path]:
    """Returns a copy of a case's artifact."""
    return lambda name: shutil.copytree(originals(name).folder, tmp_path / "model")


def weights(folder: Path) -> list[tuple[Path, str]]:
    """Returns some of the tensors of an artifact: by file the first, the middle and the last, and all heads."""
    found = []
    for path in sorted(folder.glob("*.safetensors")):
        names = sorted(load_file(path))
        heads = [n for n in names if any(word in n for word in ("classif", "qa_outputs", "pooler"))]
        found += [(path, n) for n in dict.fromkeys((names[0], names[len(names) // 2], names[-1], *heads))]
    return found


def edit(path: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    state = load_file(path)
    change(state)
    save_file(state, path, metadata={"format": "pt"})


def told(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().err.split())


def refused(folder: Path, *, trust_changes: bool) -> str:
    with pytest.raises(InputError) as error:
        artifact.load(folder, trust_changes=trust_changes)
    return str(error.value)


def parameters(pretrained: Pretrained, card: dict[str, Any]) -> dict[str, torch.Tensor]:
    return {name: p for name, p in pretrained.module.net.named_parameters() if name in card["trained"]}


def card_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "nlptl.json").read_text())


@cases
def test_an_artifact_opens_with_the_values_trained_and_draws_nothing(originals, name):
    folder, pretrained = originals(name)
    state = torch.get_rng_state()
    opened = parameters(artifact.load(folder)[0], card_of(folder))
    assert torch.equal(torch.get_rng_state(), state)
    trained = parameters(pretrained, card_of(folder))
    assert (
        opened.keys() == trained.keys() == {n for n, p in pretrained.module.net.named_parameters() if p.requires_grad}
    )
    assert all(torch.equal(opened[n], trained[n]) for n in trained)


@cases
@pytest.mark.parametrize("damage", ["missing", "shape", "unknown", "nan"])
def test_a_parameter_that_is_not_as_trained_is_refused_by_name_whatever_is_trusted(saved, name, damage):
    folder = saved(name)
    for path, tensor in weights(folder):
        before = path.read_bytes()
        said = f"{tensor}.more" if damage == "unknown" else tensor
        edit(path, DAMAGES[damage](tensor))
        assert f"{said}'" in refused(folder, trust_changes=True)
        assert f"{path.name} has changed" in refused(folder, trust_changes=False)
        path.write_bytes(before)
    artifact.load(folder)


DAMAGES: dict[str, Callable[[str], Callable[[dict[str, torch.Tensor]], Any]]] = {
    "missing": lambda name: lambda state: state.pop(name),
    "shape": lambda name: lambda state: state.update({name: torch.cat([state[name], state[name]])}),
    "unknown": lambda name: lambda state: state.update({f"{name}.more": state[name].clone()}),
    "nan": lambda name: lambda state: state[name].flatten()[-1:].fill_(torch.nan),
}


@of_each_method
def test_an_infinite_parameter_is_refused_by_name(saved, name):
    folder = saved(name)
    path, tensor = weights(folder)[0]
    edit(path, lambda state: state[tensor].flatten()[:1].fill_(-torch.inf))
    assert f"{tensor}' is not finite" in refused(folder, trust_changes=True)


@cases
def test_a_changed_byte_of_any_file_is_refused_by_the_files_name(saved, name):
    folder = saved(name)
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in ("README.md", "nlptl.json")]
    assert len(files) == len(card_of(folder)["files"]) > 2
    for path in files:
        before = path.read_bytes()
        middle = len(before) // 2
        path.write_bytes(before[:middle] + bytes([before[middle] ^ 1]) + before[middle + 1 :])
        said = refused(folder, trust_changes=False)
        assert f"{path.relative_to(folder).as_posix()} has changed" in said
        assert "--trust-changes" in said
        path.write_bytes(before)


@of_each_method
@pytest.mark.parametrize(
    "change",
    [
        lambda card: card["labels"].update(names=card["labels"]["names"][::-1]),
        lambda card: card["files"].clear(),
        lambda card: card.update(trained={}),
        lambda card: card.update(decision={"threshold": 0.9}),
        lambda card: card.pop("sha256"),
        lambda card: card.update(more=1),
    ],
)
def test_a_changed_card_is_refused(saved, name, change):
    folder = saved(name)
    card = card_of(folder)
    change(card)
    (folder / "nlptl.json").write_text(json.dumps(card))
    assert "nlptl.json has changed" in refused(folder, trust_changes=False)


def test_a_card_that_was_only_laid_out_anew_is_the_same_card(saved):
    folder = saved("full")
    card = card_of(folder)
    (folder / "nlptl.json").write_text(json.dumps(dict(reversed(card.items())), indent=4, ensure_ascii=True))
    artifact.load(folder)


@of_each_method
def test_a_file_that_is_missing_is_refused_whatever_is_trusted(saved, name):
    folder = saved(name)
    for file in list(card_of(folder)["files"]):
        (folder / file).rename(folder / "aside")
        for trust_changes in (False, True):
            assert f"lacks {file}" in refused(folder, trust_changes=trust_changes)
        (folder / "aside").rename(folder / file)


@of_each_method
def test_files_beside_that_nothing_reads_are_fine(saved, name):
    folder = saved(name)
    (folder / "README.md").write_text("What this model is for.")
    (folder / "notes.txt").write_text("mine")
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model.onnx").write_bytes(b"x")
    artifact.load(folder)


@of_each_method
@pytest.mark.parametrize(
    "file", ["added_tokens.json", "generation_config.json", "model-2.safetensors", "vocab.txt", "spiece.model"]
)
def test_a_file_beside_that_loading_would_look_for_is_refused(saved, name, file):
    folder = saved(name)
    (folder / file).write_text("{}")
    assert f"{file} was added" in refused(folder, trust_changes=False)


def test_an_adapter_put_into_a_whole_model_is_refused(saved, originals):
    folder = saved("full")
    for path in originals("lora").folder.glob("adapter_*"):
        shutil.copy(path, folder)
    said = refused(folder, trust_changes=False)
    assert "adapter_config.json was added" in said
    assert "adapter_model.safetensors was added" in said


@of_each_method
def test_trusted_changes_are_told_and_used(saved, originals, name, capsys):
    folder = saved(name)
    path, tensor = weights(folder)[-1]
    edit(path, lambda state: state[tensor].mul_(2))
    opened = artifact.load(folder, trust_changes=True)[0]
    assert f"{path.name} has changed" in told(capsys)
    known = originals(name).pretrained
    changed = [
        n
        for n, p in parameters(opened, card_of(folder)).items()
        if not torch.equal(p, known.module.net.get_parameter(n))
    ]
    assert len(changed) == 1


@pytest.mark.parametrize("name", ["full", "full-pooled"])
def test_renamed_labels_of_a_config_are_told_and_not_taken(saved, originals, name, capsys):
    folder = saved(name)
    config = json.loads((folder / "config.json").read_text())
    names = {"id2label": {"0": "thumbs down", "1": "thumbs up"}, "label2id": {"thumbs down": 0, "thumbs up": 1}}
    (folder / "config.json").write_text(json.dumps(config | names))
    assert "config.json has changed" in refused(folder, trust_changes=False)
    opened = artifact.load(folder, trust_changes=True)[0]
    assert opened.labels == tiny.LABELS
    assert torch.equal(tiny.logits(opened), tiny.logits(originals(name).pretrained))
    said = told(capsys)
    assert "thumbs down, thumbs up" in said
    assert "bad, good" in said


# Artifacts of nlptl before there were hashes.


def as_format_2(folder: Path) -> Path:
    card = {n: v for n, v in card_of(folder).items() if n not in ("files", "sha256", "trained")}
    (folder / "nlptl.json").write_text(json.dumps(card | {"format": 2}))
    return folder


@cases
def test_an_artifact_of_format_2_opens(saved, originals, name):
    opened, known = artifact.load(as_format_2(saved(name)))[0], originals(name)
    trained = parameters(known.pretrained, card_of(known.folder))
    assert all(torch.equal(opened.module.net.get_parameter(n), p) for n, p in trained.items())


@cases
@pytest.mark.parametrize("damage", ["missing", "shape", "nan"])
def test_a_damaged_artifact_of_format_2_is_refused_by_the_parameters_name(saved, name, damage):
    folder = as_format_2(saved(name))
    path, tensor = weights(folder)[-1]
    edit(path, DAMAGES[damage](tensor))
    assert f"{tensor}'" in refused(folder, trust_changes=False)


# A method of the user's own is held to the same.


class Forgetful(Full):
    """Saves nothing but the classifier's bias, and does not look whether it was read."""

    self_contained = False

    def prepare(self, pretrained):
        """Trains the head."""
        pretrained.module.net.requires_grad_(False)
        pretrained.module.net.classifier.requires_grad_(True)

    def save(self, pretrained, folder):
        """Forgets the weight."""
        save_file({"bias": pretrained.module.net.classifier.bias.detach()}, folder / "own.safetensors")

    def load(self, pretrained, folder):
        """Reads what there is."""
        pretrained.module.net.classifier.load_state_dict(load_file(folder / "own.safetensors"), strict=False)


def test_a_parameter_that_an_own_method_forgets_is_not_taken_for_trained(tiny_folders, tmp_path):
    folder = save(Case("bert", Forgetful()), tiny_folders, tmp_path / "model").folder
    assert "'classifier.weight' is not finite" in refused(folder, trust_changes=False)


# Scores that are no numbers.


@pytest.fixture
def overflowing(saved) -> Path:
    """A model whose weights are finite, and whose scores are not."""
    folder = saved("full")
    edit(folder / "model.safetensors", lambda state: state["classifier.weight"].fill_(3e38))
    return folder


def test_scores_that_are_not_finite_are_an_error_that_names_the_row(overflowing):
    run = nlptl.load(overflowing, trust_changes=True)
    with pytest.raises(TrainingError, match="scores for row 0 are not finite"):
        run.predict(["a good film", "a bad end"])
    with pytest.raises(TrainingError, match="scores for row 0 are not finite"):
        run.evaluate([{"text": "a good film", "label": "good"}, {"text": "bad", "label": "bad"}])


def test_the_row_of_scores_by_token_is_named():
    from nlptl.core.finite import refuse_not_finite

    features = tiny.sequences([2, 3])
    found = np.zeros((5, 4), dtype=np.float32)
    found[3, 1] = np.inf
    flat = type("Flat", (), {"example": np.arange(2), "lengths": features.lengths.numpy(), "__len__": lambda _: 2})()
    with pytest.raises(TrainingError, match="scores for row 1 are not finite"):
        refuse_not_finite(found, flat, tiny.examples(2))


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_the_command_line_refuses_changes_and_trusts_them_by_flag(saved, tmp_path, capsys, command):
    folder = saved("full")
    edit(folder / "model.safetensors", lambda state: state["classifier.weight"].mul_(2))
    (tmp_path / "test.csv").write_text("text,label\na good film,good\na bad end,bad\n")
    data = "--input" if command == "predict" else "--data.test"
    words = [command, folder, data, tmp_path / "test.csv"]
    found = say(capsys, *words)
    assert found.status == 2
    assert "model.safetensors has changed" in " ".join(found.err.split())
    found = say(capsys, *words, "--trust-changes")
    assert found.status == 0
    assert "model.safetensors has changed" in " ".join(found.err.split())


def test_the_command_line_answers_nothing_where_scores_are_not_finite(overflowing, capsys):
    found = say(capsys, "predict", overflowing, "--text", "a good film", "--trust-changes")
    assert found.status != 0
    assert "not finite" in found.err
    assert found.out == ""
