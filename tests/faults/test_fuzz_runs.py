"""Whatever happens to a file of a run's folder, the run answers and goes on as before, or is refused in words."""

import json
import os
import shutil

import pytest
from hypothesis import strategies as st

from nlptl.cli import command
from nlptl.core.errors import InputError
from nlptl.runs.run import Run, load
from tests.faults import fuzz
from tests.faults.fuzz import DAMAGE, cases, check, damaged, files_of
from tests.faults.small import QUICK, reviews, write_csv

METHODS = {"full": (), "lora": ("--method.rank", "2"), "probe": ()}
TEXTS = [row["text"] for row in reviews(20, start=300)]
ANSWERS = ("predictions/validation.jsonl", "predictions/test.jsonl")


@pytest.fixture(scope="module", autouse=True)
def unchecked():
    """No fresh process at the end of a run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nlptl.runs.reload_check.run", lambda *_: {"max_abs_diff": 0.0, "n_examples": 0})
        yield


@pytest.fixture(scope="module")
def runs(bert, tmp_path_factory):
    """A folder with a finished run a method, and data to score on."""
    place = tmp_path_factory.mktemp("runs")
    write_csv(place / "train.csv", reviews(48))
    write_csv(place / "scored.csv", reviews(20, start=300))
    for method, flags in METHODS.items():
        words = ("train", "--data.train", place / "train.csv", "--model.name", bert, *QUICK, "--method", method, *flags)
        assert command([str(word) for word in (*words, "--train.epochs", 1, "--output", place / method)]) == 0
    return place


def answers(run, scored):
    """Returns what a run predicts, and its scores on labelled data."""
    predictions = [prediction.to_json() for prediction in run.predict(TEXTS)]
    return predictions, run.evaluate(str(scored), n_bootstrap=100)


def put(path, content):
    """Writes a file by another's name, so that a model that still has the old one mapped keeps it."""
    aside = path.with_name(path.name + ".new")
    aside.write_bytes(content)
    os.replace(aside, path)  # noqa: PTH105


def hold_for(folder, scored, before, path, edits):
    whole = path.read_bytes()
    put(path, damaged(whole, edits))
    try:
        try:
            assert answers(load(folder), scored) == before, f"other answers after a change to {path.name}"
        except InputError as error:
            assert str(error).strip()
        for read in (lambda: Run(folder).result, lambda: Run(folder).metrics):
            try:
                read()
            except InputError as error:
                assert str(error).strip()
    finally:
        put(path, whole)


@cases(10)
@pytest.mark.parametrize("where", ["model", "beside it"])
def test_a_finished_run_whose_files_changed_answers_as_before_or_is_refused(n_cases, runs, where):
    before = {method: answers(load(runs / method), runs / "scored.csv") for method in METHODS}

    def hold(method, index, edits):
        inside = [
            p for p in files_of(runs / method) if ("model" in p.relative_to(runs / method).parts) == (where == "model")
        ]
        hold_for(runs / method, runs / "scored.csv", before[method], inside[index % len(inside)], edits)

    check(n_cases, hold, st.sampled_from(list(METHODS)), st.integers(0, 20), DAMAGE, shrink=False)


def ending(run):
    """Returns all that must be equal at the end of a run, however it came there."""
    weights = {p.name: p.read_bytes() for p in (run / "model").glob("*.safetensors")}
    metrics = json.loads((run / "result.json").read_text())["metrics"]
    return weights, metrics, [(run / name).read_bytes() for name in ANSWERS]


@cases(10)
def test_a_stopped_run_whose_files_changed_ends_as_it_would_have_or_is_refused(n_cases, stopped_run, tmp_path):
    whole = shutil.copytree(stopped_run, tmp_path / "whole")
    assert command(["train", "--resume", str(whole)]) == 0
    expected = ending(whole)

    def hold(index, edits):
        run = tmp_path / "run"
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(stopped_run, run)
        found = files_of(run)
        path = found[index % len(found)]
        path.write_bytes(damaged(path.read_bytes(), edits))
        status, said = fuzz.run(["train", "--resume", str(run)])
        assert "Traceback" not in said
        assert status == 2 or (status == 0 and ending(run) == expected), (path.name, status, said)

    check(n_cases, hold, st.integers(0, 20), DAMAGE, shrink=False)
