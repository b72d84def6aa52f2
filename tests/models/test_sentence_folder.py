"""A whole model with a pooled head is also a folder of sentence-transformers, which gives the same logits."""

import dataclasses
import io
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer

from nlptl.core import registry
from nlptl.core.config import DataConfig, EvalConfig, ModelConfig, TrainConfig
from nlptl.core.errors import InputError, TrainingError
from nlptl.core.protocols import Method
from nlptl.core.recipe import Recipe
from nlptl.core.records import Example, Pretrained
from nlptl.core.result import Result
from nlptl.methods.adapter import Adapter
from nlptl.methods.full import Full
from nlptl.methods.lora import LoRA
from nlptl.methods.partial import Partial
from nlptl.methods.probe import Probe
from nlptl.models import declared, loading, sentence_folder
from nlptl.runs import artifact, reload_check
from nlptl.tasks.classification import Classification
from nlptl.tasks.regression import Regression
from nlptl.tasks.token_classification import TokenClassification
from tests import tiny

ALIKE = ("bert", "deberta_v2", "distilbert", "electra", "modernbert", "roberta", "t5")
OTHER_ENCODER, NO_PADDING = ("bart",), ("gpt2",)
FILES = {
    *("modules.json", "sentence_bert_config.json", "config_sentence_transformers.json"),
    *("1_Pooling/config.json", "2_Dense/config.json", "2_Dense/model.safetensors"),
}
TEXTS = ["A GOOD film", "Bad", " the END, was (not) good! ", "é 10 %", " ".join(tiny.WORDS * 3), "a " * 200]
"""The last two are longer than the models of these tests read."""


def prepared(folder: Path, pooling: str, method: Method | None = None, output: str = "class") -> Pretrained:
    config = ModelConfig(name=str(folder), pooling=pooling, max_length=48)  # type: ignore[arg-type]
    found = loading.load(config, loading.Wanted(output, tiny.THREE), seed=1)
    if pooling in declared.POOLINGS:
        torch.manual_seed(3)
        for parameter in found.module.classifier.parameters():  # fresh ones give logits near zero
            torch.nn.init.normal_(parameter)
    (method or Full()).prepare(found)
    return found


def saved(pretrained: Pretrained, folder: Path, method: Method | None = None) -> Path:
    artifact.save(folder, pretrained, Recipe(method=method or Full()), {})
    return folder


def rows(texts: list[str]) -> list[Example]:
    return [Example(i, text, label="good") for i, text in enumerate(texts)]


def encoded(folder: Path, texts: list) -> np.ndarray:
    return SentenceTransformer(str(folder), device="cpu").encode(texts, convert_to_numpy=True)


def assert_same(found: np.ndarray, pretrained: Pretrained, examples: list[Example]) -> None:
    expected = tiny.logits(pretrained, examples).numpy()
    assert expected.std() > 0.5
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5)


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def bert(tiny_folders, tmp_path) -> Path:
    """An artifact with a head over the mean."""
    return saved(prepared(tiny_folders["bert"], "mean"), tmp_path / "model")


def test_every_family_stands_in_these_tests():
    assert sorted((*ALIKE, *OTHER_ENCODER, *NO_PADDING)) == sorted(registry.names("family"))


@pytest.mark.parametrize("pooling", declared.POOLINGS)
@pytest.mark.parametrize("family", ALIKE)
def test_sentence_transformers_gives_the_same_logits(tiny_folders, tmp_path, family, pooling):
    pretrained = prepared(tiny_folders[family], pooling)
    found = encoded(saved(pretrained, tmp_path), TEXTS)
    assert found.dtype == np.float32
    assert_same(found, pretrained, rows(TEXTS))


def test_the_last_layers_trained_alone_are_saved_for_it_too(tiny_folders, tmp_path):
    method = Partial(layers="last:1")
    pretrained = prepared(tiny_folders["bert"], "cls", method)
    assert_same(encoded(saved(pretrained, tmp_path, method), TEXTS), pretrained, rows(TEXTS))


@pytest.mark.parametrize("output", ["classes", "number"])
def test_its_logits_are_the_raw_ones_whatever_they_mean(tiny_folders, tmp_path, output):
    pretrained = prepared(tiny_folders["bert"], "mean", output=output)
    assert_same(encoded(saved(pretrained, tmp_path), TEXTS), pretrained, rows(TEXTS))


@pytest.mark.parametrize("family", ALIKE)
def test_it_reads_pairs_as_the_model_does(tiny_folders, tmp_path, family):
    pretrained = prepared(tiny_folders[family], "mean")
    pairs = [(text, "the END was long") for text in TEXTS]
    examples = [Example(i, *pair, label="good") for i, pair in enumerate(pairs)]
    assert_same(encoded(saved(pretrained, tmp_path), pairs), pretrained, examples)


def test_nothing_is_stored_twice(bert):
    assert names(bert) >= FILES
    assert "head.safetensors" not in names(bert)
    assert set(load_file(bert / "2_Dense" / "model.safetensors")) == {"linear.weight", "linear.bias"}
    assert not [name for name in load_file(bert / "model.safetensors") if "classifier" in name]


@pytest.mark.parametrize(
    ("family", "pooling", "method"),
    [
        ("bert", "native", Full()),
        ("bert", "mean", Probe()),
        ("bert", "mean", LoRA(rank=2)),
        ("bert", "mean", Adapter(bottleneck=4)),
        *((family, "mean", Full()) for family in (*OTHER_ENCODER, *NO_PADDING)),
    ],
    ids=lambda value: value if isinstance(value, str) else registry.name_of("method", type(value)),
)
def test_a_model_that_it_would_not_run_alike_is_not_saved_for_it(tiny_folders, tmp_path, family, pooling, method):
    pretrained = prepared(tiny_folders[family], pooling, method)
    assert not names(saved(pretrained, tmp_path, method)) & FILES
    assert torch.equal(tiny.logits(artifact.load(tmp_path)[0]), tiny.logits(pretrained))


def test_a_head_on_every_token_is_not_saved_for_it(tiny_folders, tmp_path):
    pretrained = prepared(tiny_folders["bert"], "none", output="tags")
    artifact.save(tmp_path, pretrained, Recipe(task=TokenClassification(), method=Full()), {})
    assert "head.safetensors" in names(tmp_path)
    assert not names(tmp_path) & FILES


def test_a_tokenizer_that_pads_on_the_left_would_move_positions(tiny_folders, tmp_path):
    pretrained = prepared(tiny_folders["bert"], "mean")
    pretrained.tokenizer.padding_side = "left"
    assert not names(saved(pretrained, tmp_path)) & FILES


def test_a_model_saved_before_there_were_such_folders_loads(tiny_folders, tmp_path, monkeypatch):
    pretrained = prepared(tiny_folders["bert"], "mean")
    monkeypatch.setattr(sentence_folder, "write", lambda *_: None)
    folder = saved(pretrained, tmp_path)
    assert "head.safetensors" in names(folder)
    assert torch.equal(tiny.logits(artifact.load(folder)[0]), tiny.logits(pretrained))


# Integrity.


def refused(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        artifact.load(folder)
    return str(caught.value)


def test_an_edited_head_is_refused(bert):
    path = bert / "2_Dense" / "model.safetensors"
    save_file({name: value + 1 for name, value in load_file(path).items()}, path)
    assert "2_Dense/model.safetensors has changed" in refused(bert)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_missing_file_is_named(bert, name):
    (bert / name).unlink()
    assert f"lacks {name}: take a whole copy" in refused(bert)


@pytest.mark.parametrize("name", sorted(FILES - {"2_Dense/model.safetensors"}))
def test_an_edited_setting_is_refused(bert, name):
    (bert / name).write_text((bert / name).read_text() + " ")
    assert f"{name} has changed" in refused(bert)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_of_another_model_that_was_put_there_is_refused(bert, tiny_folders, tmp_path, name):
    folder = saved(prepared(tiny_folders["bert"], "native"), tmp_path / "native")
    (folder / name).parent.mkdir(exist_ok=True)
    shutil.copy(bert / name, folder / name)
    assert f"{name} was added" in refused(folder)


def test_a_trusted_edit_of_the_head_is_what_predicts(bert, tiny_folders):
    before = tiny.logits(artifact.load(bert)[0])
    path = bert / "2_Dense" / "model.safetensors"
    head = load_file(path)
    save_file(head | {"linear.bias": head["linear.bias"] + 1}, path)
    after = tiny.logits(artifact.load(bert, trust_changes=True)[0])
    torch.testing.assert_close(after, before + 1)


def test_a_head_with_other_names_is_refused(bert):
    path = bert / "2_Dense" / "model.safetensors"
    save_file({name.removeprefix("linear."): value for name, value in load_file(path).items()}, path)
    with pytest.raises(InputError, match=r"lacks the parameter 'linear\.bias'"):
        artifact.load(bert, trust_changes=True)


# The reload check.


def recipe(folder: Path, task: object, rows: list[dict[str, object]]) -> Recipe:
    return Recipe(
        task=task,  # type: ignore[arg-type]
        data=DataConfig(train=rows[:48], validation=rows[48:64], test=rows[64:]),
        model=ModelConfig(name=str(folder), pooling="mean", max_length=24),
        train=TrainConfig(epochs=1, batch_size=8, lr=1e-3, precision="fp32"),
        eval=EvalConfig(n_bootstrap=100, baselines="none"),
    )


def row(i: int, label: object) -> dict[str, object]:
    words = tiny.WORDS[i % 7 : i % 7 + 3 + 2 * (i % 9)]
    return {"text": " ".join(["number", str(i), *words]), "label": label}


TASKS = {
    "class": (Classification(), lambda i: "abc"[i % 3]),
    "classes": (Classification(labels="several"), lambda i: ["a", "b"][: i % 3]),
    "number": (Regression(), lambda i: i % 5),
    "windows": (Classification(long="window", overlap=2), lambda i: "abc"[i % 3]),
    "head+tail": (Classification(long="head+tail"), lambda i: "abc"[i % 3]),
    "pairs": (Classification(), lambda i: "abc"[i % 3]),
}


@pytest.mark.parametrize("kind", TASKS)
def test_a_run_with_a_pooled_head_is_checked_in_sentence_transformers(tiny_folders, tmp_path, other_process, kind):
    task, label = TASKS[kind]
    second = {"text_pair": "the end was long"} if kind == "pairs" else {}
    made = [row(i, label(i)) | second for i in range(84)]
    with other_process.answering():
        run = recipe(tiny_folders["bert"], task, made).run(tmp_path / "run")
    check = json.loads((tmp_path / "run" / "result.json").read_text())["reload_check"]
    assert check["n_examples"] == 16
    assert 0 < check["sentence_transformers_max_abs_diff"] <= 1e-4
    assert Result.read(tmp_path / "run" / "result.json").reload_check == run.result.reload_check


def test_a_run_with_transformers_own_head_is_not(tiny_folders, tmp_path, other_process):
    made = recipe(tiny_folders["bert"], Classification(), [row(i, "abc"[i % 3]) for i in range(84)])
    native = dataclasses.replace(made, model=dataclasses.replace(made.model, pooling="native"))
    with other_process.answering():
        run = native.run(tmp_path / "native")
    assert run.result.reload_check.sentence_transformers_max_abs_diff is None


def test_a_model_evaluated_in_bf16_may_differ_as_much_as_bf16_does(tiny_folders, tmp_path, other_process):
    made = recipe(tiny_folders["bert"], Classification(), [row(i, "abc"[i % 3]) for i in range(84)])
    rounded = dataclasses.replace(made, eval=dataclasses.replace(made.eval, precision="bf16"))
    with other_process.answering():
        run = rounded.run(tmp_path / "bf16")
    check = run.result.reload_check
    assert check.max_abs_diff < check.sentence_transformers_max_abs_diff <= 0.1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Prompted(Classification):
    """A task that puts words of its own before each text."""

    def encode(self, examples, pretrained):
        return super().encode([dataclasses.replace(e, text=f"the film is {e.text}") for e in examples], pretrained)


@pytest.mark.parametrize(("task", "compared"), [(Classification(), len(TEXTS)), (Prompted(), 1)])
def test_rows_that_a_task_reads_otherwise_are_not_compared(tiny_folders, tmp_path, capsys, monkeypatch, task, compared):
    texts = [*TEXTS[:-1], " ".join(["the film is"] * 40)]  # with more of the same before it the last is cut to the same
    pretrained = prepared(tiny_folders["bert"], "mean")
    artifact.save(tmp_path, pretrained, Recipe(task=task, method=Full()), {})
    asked = {
        "folder": str(tmp_path),
        "own": [__name__],
        "rows": [[i, text, None, None] for i, text in enumerate(texts)],
    }
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(asked)))
    reload_check.answer()
    through = json.loads(capsys.readouterr().out.splitlines()[-1])["sentence_transformers"]
    assert len(through["features"]) == len(through["logits"]) == compared


def test_a_difference_in_sentence_transformers_stops_the_run(tiny_folders, tmp_path, other_process, monkeypatch):
    monkeypatch.setattr(sentence_folder, "OLDER_KEYS", {"pooling_mode_max_tokens": "mean"})
    pretrained = prepared(tiny_folders["bert"], "mean")
    folder, examples = saved(pretrained, tmp_path), rows(TEXTS)
    with (
        other_process.answering(),
        pytest.raises(
            TrainingError, match=r"is not the one trained: logits differ by .* through sentence-transformers"
        ),
    ):
        reload_check.run(folder, tiny.logits(pretrained, examples).numpy(), examples)


def test_without_sentence_transformers_nothing_is_said(bert, monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    assert sentence_folder.logits(bert, TEXTS) is None
