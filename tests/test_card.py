"""The model card: what it says, what the Hub reads in it, and the code that it shows."""

import re

import pytest
import yaml
from huggingface_hub import ModelCard

from nlptl import DataConfig, EvalConfig, ModelConfig, Recipe, TrainConfig
from nlptl.core.records import Interval
from nlptl.core.result import Base, Primary, Result
from nlptl.report import card
from tests.faults.small import make_bert, reviews, write_csv, write_splits


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("card")
    make_bert(place / "bert")
    write_splits(place / "data")
    return place


@pytest.fixture(autouse=True)
def unchecked(monkeypatch):
    monkeypatch.setattr("nlptl.runs.reload_check.run", lambda *_: {"max_abs_diff": 0.0, "n_examples": 0})


def trained(place, output, method="full", pooling="native", data=None):
    recipe = Recipe(
        data=DataConfig(train=str(data or place / "data")),
        model=ModelConfig(name=str(place / "bert"), pooling=pooling),
        method=method,
        train=TrainConfig(epochs=1, precision="fp32"),
        eval=EvalConfig(n_bootstrap=100),
    )
    return recipe.run(output)


def test_the_hub_reads_metrics_library_and_licence(place, tmp_path):
    run = trained(place, tmp_path / "run")
    found = ModelCard.load(tmp_path / "run" / "README.md")
    assert found.data.library_name == "transformers"
    assert found.data.pipeline_tag == "text-classification"
    assert found.data.tags == ["nlptl", "sentiment", "full"]
    first = found.data.eval_results[0]
    assert first.metric_type == "accuracy"
    assert first.metric_value == pytest.approx(run.metrics["test"]["accuracy"]["value"], abs=1e-4)
    assert {own.metric_type for own in found.data.eval_results} == set(run.metrics["test"])


def test_no_path_of_this_machine_is_in_a_card(place, tmp_path):
    trained(place, tmp_path / "run", "lora")
    for folder in (tmp_path / "run", tmp_path / "run" / "model"):
        text = (folder / "README.md").read_text()
        assert str(place.parent) not in text
        assert "\ntrain:\n  epochs: 1\n" in text


def test_the_settings_in_a_card_are_those_that_differ_from_the_defaults(place, tmp_path):
    trained(place, tmp_path / "run")
    text = (tmp_path / "run" / "README.md").read_text()
    settings = yaml.safe_load(re.search("```yaml\n(.*?)```", text, re.DOTALL)[1])
    assert settings["train"]["epochs"] == 1
    assert "seed" not in settings["train"]
    assert settings["model"]["name"] == "bert"


@pytest.mark.parametrize(
    ("method", "pooling", "library"),
    [
        ("full", "native", "transformers"),
        ("full", "mean", "sentence-transformers"),
        ("lora", "native", "peft"),
        ("adapter", "native", "peft"),
        ("lora", "mean", "nlptl"),
        ("probe", "mean", "nlptl"),
    ],
)
def test_the_code_in_a_card_loads_the_model(place, tmp_path, monkeypatch, method, pooling, library):
    trained(place, tmp_path / "run", method, pooling)
    monkeypatch.chdir(tmp_path / "run" / "model")
    text = (tmp_path / "run" / "model" / "README.md").read_text()
    assert f"library_name: {library}\n" in text
    codes = re.findall("```python\n(.*?)```", text, re.DOTALL)
    assert len(codes) == (1 if library == "nlptl" else 2)
    for code in codes:
        exec(code, {})


def test_labels_of_the_user_cannot_break_a_card(place, tmp_path):
    labels = ("<script>alert(1)</script>", "a|b`c\n# d")
    write_csv(tmp_path / "odd.csv", reviews(60, labels))
    trained(place, tmp_path / "run", data=tmp_path / "odd.csv")
    text = (tmp_path / "run" / "README.md").read_text()
    assert "<script>" not in text
    assert "\n# d" not in text
    assert ModelCard(text).data.library_name == "transformers"


def test_rare_classes_and_missing_tests_are_limits():
    scores = {"accuracy": Interval(0.5, 0.4, 0.6)}
    result = Result(
        "succeeded",
        task="classification",
        method="full",
        model=Base("a/b", None, "0"),
        rows={"train": 10, "validation": 5},
        labels=("x", "y"),
        metrics={"validation": scores},
        primary=Primary("accuracy", "validation", 0.5),
        per_class={"validation": {"x": {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 3.0}}},
    )
    from nlptl.core import kinds

    text = card.card(result, card.Facts("n", kinds.of("class"), "{}", ["20 % of the texts are cut"], card.NLPTL, "."))
    assert "Fewer than 10 validation rows, so its scores say little: `x`." in text
    assert "There was no test split" in text
    assert "Data: 20 % of the texts are cut." in text
    assert "base_model: a/b" in text


def test_a_card_that_cannot_be_written_loses_no_run(place, tmp_path, monkeypatch, capsys):
    def fails(folder):
        raise TypeError("no card")

    monkeypatch.setattr("nlptl.runs.card.write", fails)
    assert trained(place, tmp_path / "run").result.status == "succeeded"
    assert "the model card could not be written (TypeError: no card)" in capsys.readouterr().out
