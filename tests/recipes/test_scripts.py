"""The recipe scripts: each runs through its own command line in this process, with its losses pinned."""

import ast
import importlib.util
import json
import runpy
import sys
from pathlib import Path

import pytest

import nlptl
from tests.faults.small import QUICK, make_bert, read_lines, write_splits

FOLDER = Path(nlptl.__file__).parents[1] / "recipes"
SCRIPTS = sorted(FOLDER.glob("*.py"))
MOST_LINES = 40
LOSSES = {
    "sentiment": {
        "full": [0.7499853, 1.2271558, 0.8536766, 0.9681994],
        "lora": [0.7286994, 1.0574203, 0.6832250, 0.7020472],
        "adapter": [0.9106184, 0.9570137, 0.6467910, 0.6962789],
    },
    "classification": {
        "full": [0.7499853, 1.2319810, 0.8616976, 0.9895274],
        "lora": [0.7286994, 1.0721567, 0.7024422, 0.7142219],
        "adapter": [0.9106184, 0.9673317, 0.6689087, 0.7133030],
    },
    "ner": {
        "full": [3.3352027, 3.1382635, 3.0578370, 3.0508759],
        "lora": [3.2927079, 3.1418304, 3.2141912, 3.1363666],
        "adapter": [3.3854322, 3.2358503, 3.2899456, 3.2740629],
    },
    "qa": {
        "full": [3.7039614, 3.7272487, 3.7443614, 3.6100307],
        "lora": [3.6642721, 3.6886990, 3.7525644, 3.6076808],
        "adapter": [3.4494238, 3.4963565, 3.5873427, 3.4781229],
    },
}
"""The first four losses of each script by method: tiny model, seed 0, float32, 48 rows in updates of 8."""

ON_SAMPLES = ("ner", "qa")  # the others run on small reviews
scripts = pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with data/ and bert/."""
    place = tmp_path_factory.mktemp("place")
    write_splits(place / "data")
    make_bert(place / "bert")
    return place


@pytest.fixture
def start(monkeypatch, tmp_path):
    """Runs a script as `python recipes/NAME.py ...` does, from an empty folder; returns its exit status."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("nlptl.runs.reload_check.run", lambda *_: {"max_abs_diff": 0.0, "n_examples": 0})

    def call(script, *argv):
        monkeypatch.setattr(sys, "argv", [str(script), *map(str, argv)])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(script), run_name="__main__")
        return ended.value.code

    return call


def quick(place, script):
    words = ("--model.name", place / "bert", "--train.batch_size", 8)
    words += ("--data.n_train", 48) if script.stem in ON_SAMPLES else ("--data.train", place / "data")
    return (*words, *QUICK, "--train.epochs", 1, "--train.log_every", 1, "--train.seed", 0)


def test_there_are_recipe_scripts_and_each_has_its_losses_pinned():
    assert {script.stem for script in SCRIPTS} == set(LOSSES) != set()


def assert_losses(run, script, method):
    losses = [line["loss"] for line in read_lines(run / "metrics.jsonl") if "loss" in line]
    assert losses[:4] == pytest.approx(LOSSES[script.stem][method], rel=1e-5)


@pytest.mark.parametrize(
    ("script", "method"), [(script, method) for script in SCRIPTS for method in LOSSES[script.stem] if method != "full"]
)
def test_a_script_has_the_losses_it_always_had(start, place, tmp_path, script, method):
    assert start(script, *quick(place, script), "--method", method, "--output", "run") == 0
    assert_losses(tmp_path / "run", script, method)


@scripts
def test_a_script_gives_the_run_of_its_recipe_with_the_losses_it_always_had(start, place, tmp_path, script):
    assert start(script, *quick(place, script), "--output", "run") == 0
    assert_losses(tmp_path / "run", script, "full")
    recipe = runpy.run_path(str(script), run_name="read")["RECIPE"]
    stored = nlptl.Recipe.from_dict(json.loads(json.dumps(read_recipe(tmp_path / "run"))))
    assert (stored.task, stored.method) == (recipe.task, recipe.method)
    assert stored.train.epochs == 1 != recipe.train.epochs
    assert json.loads((tmp_path / "run" / "result.json").read_text())["status"] == "succeeded"


def read_recipe(run):
    import yaml

    return yaml.safe_load((run / "recipe.yaml").read_text(encoding="utf-8"))


@scripts
def test_a_script_refuses_a_wrong_flag_with_the_nearest_one(capsys, start, tmp_path, script):
    assert start(script, "--train.epoch", 3) == 2
    assert "did you mean --train.epochs?" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@scripts
def test_a_scripts_word_without_a_flag_is_data_not_a_task(capsys, start, tmp_path, script):
    assert start(script, "sentiment") == 2
    assert "sentiment is not an existing file" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@scripts
def test_a_script_resumes_as_the_command_line_does(capsys, start, script):
    assert start(script, "--resume", "nowhere") == 2
    assert "nowhere has no recipe.yaml" in capsys.readouterr().err


@scripts
def test_reading_a_script_runs_nothing(tmp_path, monkeypatch, script):
    monkeypatch.chdir(tmp_path)
    found = runpy.run_path(str(script), run_name="read")
    assert isinstance(found["RECIPE"], nlptl.Recipe)
    assert not list(tmp_path.iterdir())


def test_the_scripts_are_no_package(monkeypatch):
    assert not (FOLDER / "__init__.py").exists()
    monkeypatch.syspath_prepend(str(FOLDER.parent))
    spec = importlib.util.find_spec("recipes")
    assert spec is None or spec.origin is None


@scripts
def test_a_script_is_short(script):
    text = script.read_text(encoding="utf-8")
    docstring = ast.parse(text).body[0]
    assert isinstance(docstring, ast.Expr)
    code = [line for line in text.splitlines()[docstring.end_lineno :] if line.strip() and line.strip()[0] != "#"]
    assert 0 < len(code) <= MOST_LINES


@scripts
def test_a_script_says_how_it_is_started(script):
    docstring = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8")))
    assert f"python recipes/{script.name}" in str(docstring)
