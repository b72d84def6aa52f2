"""A run's reported metrics: named by a flag, own ones among them, and one of them as the primary metric."""

import json
from types import SimpleNamespace

import pytest
import yaml

from nlptl import evaluation
from nlptl.core.config import EvalConfig
from nlptl.core.errors import InputError
from nlptl.core.recipe import Recipe
from nlptl.core.records import Example, LabelSpace, Prediction
from nlptl.runs import answers, delivery
from tests.faults.small import make_bert, read_lines, say, write_splits

OWN = "tests.evaluation.own_metrics.OfIds"
"""Smaller is better."""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    from nlptl.cli import command

    place = tmp_path_factory.mktemp("reported")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nlptl.runs.reload_check.run", lambda *_: {"max_abs_diff": 0.0, "n_examples": 0})
        words = (
            *("train", "sentiment", "--data.train", str(write_splits(place / "data"))),
            *("--model.name", str(make_bert(place / "bert")), "--output", str(place / "run")),
            *("--train.precision", "fp32", "--train.epochs", "2", "--eval.n_bootstrap", "100"),
            *("--eval.metrics", f"accuracy,auroc,{OWN}", "--eval.metric", OWN),
        )
        assert command(words) == 0
    return place / "run"


def test_the_result_has_exactly_the_named_metrics_with_intervals(run):
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    for split in ("validation", "test"):
        assert result["metrics"][split].keys() == {"accuracy", "auroc", OWN}
        for found in result["metrics"][split].values():
            assert found["low"] <= found["value"] <= found["high"]


def test_an_own_metric_is_the_primary_one_and_baselines_are_compared_by_it(run):
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    assert result["primary"]["name"] == OWN
    own = result["metrics"]["test"][OWN]["value"]
    for baseline in result["baselines"]["test"].values():
        assert baseline["gain"]["value"] == pytest.approx(own - baseline[OWN]["value"])


def test_the_log_has_the_named_metrics_of_validation_without_intervals(run):
    validations = [line["validation"] for line in read_lines(run / "metrics.jsonl") if "validation" in line]
    assert len(validations) == 2
    for found in validations:
        assert found.keys() == {"accuracy", "auroc", OWN}
        assert all(isinstance(value, float) for value in found.values())


def test_the_best_state_is_that_with_the_smallest_error(run):
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    lines = [line for line in read_lines(run / "metrics.jsonl") if "validation" in line]
    assert result["training"]["best_update"] == min(lines, key=lambda line: line["validation"][OWN])["update"]


def test_the_recipe_keeps_the_names_as_a_list(run):
    stored = yaml.safe_load((run / "recipe.yaml").read_text(encoding="utf-8"))
    assert stored["eval"]["metrics"] == ["accuracy", "auroc", OWN]


@pytest.mark.parametrize("given", ["accuracy,auroc", "accuracy, auroc", ["accuracy", "auroc"]])
def test_names_are_a_list_or_a_text_with_commas(given):
    assert EvalConfig(metrics=given).metrics == ["accuracy", "auroc"]


def test_anything_else_is_refused():
    with pytest.raises(InputError, match=r"eval.metrics must be a list, each item a text, found 3"):
        EvalConfig(metrics=3)


def test_an_unknown_metric_is_refused_before_training(capsys, tmp_path):
    data, bert = write_splits(tmp_path / "data"), make_bert(tmp_path / "bert")
    words = ("train", "sentiment", "--data.train", str(data), "--model.name", str(bert))
    said = say(capsys, *words, "--output", str(tmp_path / "run"), "--eval.metrics", "accuracy,aurok")
    assert said.status == 2
    assert "aurok" in said.err
    assert "auroc" in said.err
    assert not (tmp_path / "run").exists()


@pytest.fixture
def prepared():
    """What delivery reads of two labelled rows, measured by a metric of scores."""
    rows = [Example(0, "x", label="a"), Example(1, "y", label="b")]
    return SimpleNamespace(
        recipe=Recipe(eval=EvalConfig(metric="auroc", n_bootstrap=100)),
        corpus=SimpleNamespace(splits={"train": rows, "test": rows}),
        labels=LabelSpace(("a", "b")),
        pretrained=SimpleNamespace(output="class"),
    )


SCORED = [Prediction(0, "a", {"a": 0.9, "b": 0.1}), Prediction(1, "b", {"a": 0.2, "b": 0.8})]
BARE = [Prediction(0, "a", {}), Prediction(1, "b", {})]


def test_a_task_without_scores_is_told_that_the_primary_metric_needs_them(prepared):
    assert answers.values(prepared, "test", SCORED)["auroc"] == 1.0
    with pytest.raises(InputError, match="'auroc' needs a score for each label"):
        answers.values(prepared, "test", BARE)


def test_a_baseline_without_scores_is_left_out_if_the_metric_needs_them(prepared, monkeypatch):
    found = {"bare": BARE, "scored": SCORED[::-1]}
    monkeypatch.setattr(evaluation, "baseline_predictions", lambda *_, **__: found, raising=False)
    assert list(delivery._baselines(prepared, "test", SCORED)) == ["scored"]
