"""Runs that nlptl 0.1.0 wrote (tests/old_runs) still resume, evaluate and predict."""

import json
import shutil
from pathlib import Path

import pytest

import nlptl
from tests.faults.small import read_lines, say

OLD = Path(__file__).parent / "old_runs"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The current folder: a copy of the old runs, their data and their pretrained model."""
    monkeypatch.setattr("nlptl.runs.reload_check.run", lambda *_: {"max_abs_diff": 0.0, "n_examples": 0})
    monkeypatch.chdir(shutil.copytree(OLD, tmp_path / "old"))
    return tmp_path / "old"


def assert_equal(found, expected):
    assert [line["prediction"] for line in found] == [line["prediction"] for line in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours["scores"] == pytest.approx(theirs["scores"], abs=1e-4)


@pytest.mark.parametrize("name", ["full", "lora"])
def test_a_finished_run_predicts_and_evaluates_as_it_did(capsys, place, name):
    run = nlptl.load(name)
    found = [json.loads(prediction.to_json()) for prediction in run.predict("data/test.csv")]
    assert_equal(found, read_lines(place / name / "predictions" / "test.jsonl"))
    assert run.metrics["test"]["accuracy"]["value"] == run.evaluate("data/test.csv").metrics["accuracy"].value
    assert say(capsys, "evaluate", name, "--data.test", "data/test.csv").status == 0
    assert say(capsys, "predict", name, "--text", "a lovely film").status == 0


def test_a_stopped_run_goes_on_to_the_predictions_it_would_have_had(capsys, place):
    said = say(capsys, "train", "--resume", "stopped")
    assert said.status == 0, said.err
    for split in ("validation", "test"):
        found = read_lines(place / "stopped" / "predictions" / f"{split}.jsonl")
        assert_equal(found, read_lines(place / "stopped-expected" / f"{split}.jsonl"))
    losses = [line["update"] for line in read_lines(place / "stopped" / "metrics.jsonl") if "loss" in line]
    assert losses == list(range(1, 19))


def test_a_stored_recipe_is_still_one(capsys, place):
    assert say(capsys, "train", "--config", "full/recipe.yaml", "--print_config").status == 0


def edit(path, change):
    """Changes a JSON file."""
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def without(path, text):
    content = path.read_text()
    assert text in content
    path.write_text(content.replace(text, ""))


def test_a_setting_that_the_run_did_not_know_leaves_it_resumable(capsys, place):
    edit(place / "stopped" / "inputs.json", lambda values: values["recipe"].pop("train.max_skipped"))
    without(place / "stopped" / "recipe.yaml", "  max_skipped: 3\n")
    said = say(capsys, "train", "--resume", "stopped")
    assert said.status == 0, said.err


def test_a_setting_that_was_written_into_the_recipe_since_is_a_change(capsys, place):
    edit(place / "stopped" / "inputs.json", lambda values: values["recipe"].pop("train.max_skipped"))
    said = say(capsys, "train", "--resume", "stopped")
    assert said.status == 2
    assert "train.max_skipped (was not set, is 3)" in said.err


def test_a_split_that_the_run_did_not_have_is_a_change(capsys, place):
    edit(place / "stopped" / "inputs.json", lambda values: values.pop("data.test"))
    said = say(capsys, "train", "--resume", "stopped")
    assert said.status == 2
    assert "changed since it began: data.test" in said.err


def test_files_of_a_newer_nlptl_are_refused_by_their_number(capsys, place):
    edit(place / "stopped" / "inputs.json", lambda values: values.update(format=99))
    said = say(capsys, "train", "--resume", "stopped")
    assert said.status == 2
    assert "inputs.json has format 99" in said.err
    edit(place / "stopped" / "result.json", lambda values: values.update(format=98))
    assert "result.json has format 98" in say(capsys, "train", "--resume", "stopped").err
    recipe = place / "stopped" / "recipe.yaml"
    recipe.write_text(f"format: 97\n{recipe.read_text()}")
    said = say(capsys, "train", "--resume", "stopped")
    assert "recipe.yaml: the recipe has format 97" in said.err
    assert "recipe.yaml" in said.err
