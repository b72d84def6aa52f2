"""What `nlptl evaluate` prints and writes."""

import io
import json
import sys

import pytest

from tests.faults.small import reviews, write_csv


@pytest.fixture
def labelled(run, tmp_path):
    """A labelled file in the current folder."""
    return write_csv(tmp_path / "new.csv", reviews(20, start=300))


def test_scores_are_written_as_json_and_replace_nothing_without_overwrite(said, run, labelled, tmp_path):
    words = ("evaluate", run, "--data.test", labelled, "--output")
    assert "the scores are in scores.json" in said(*words, "scores.json").err
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert list(scores["per_class"]) == ["negative", "positive"]
    found = said(*words, "scores.json")
    assert (found.status, "--overwrite" in found.err) == (2, True)
    assert said(*words, "scores.json", "--overwrite").status == 0


@pytest.mark.parametrize(("name", "words"), [("new.csv", "is the input"), ("scores.csv", "expected .json")])
def test_neither_the_data_nor_another_format_is_written(said, run, labelled, name, words):
    before = labelled.read_text()
    found = said("evaluate", run, "--data.test", labelled, "--output", name, "--overwrite")
    assert (found.status, words in found.err) == (2, True)
    assert labelled.read_text() == before


def test_standard_output_takes_the_scores_alone(said, run, labelled):
    found = said("evaluate", run, "--data.test", labelled, "--output", "-")
    assert json.loads(found.out)["metrics"]["accuracy"]["value"] > 0.5
    assert "by class" not in found.out


def test_the_data_may_follow_the_run(said, run, labelled):
    flagged = said("evaluate", run, "--data.test", labelled, "--output", "-")
    assert said("evaluate", run, labelled, "--output", "-").out == flagged.out
    assert said("evaluate", "--output", "-", run, labelled).out == flagged.out


def test_the_metrics_that_are_asked_for_are_measured_alone(said, run, labelled):
    found = said("evaluate", run, labelled, "--eval.metrics", "accuracy,auroc", "--output", "-")
    assert list(json.loads(found.out)["metrics"]) == ["accuracy", "auroc"]
    assert "macro_f1" not in said("evaluate", run, labelled, "--eval.metrics", "accuracy").out


def test_an_unknown_metric_is_refused_with_the_nearest_before_anything_is_predicted(said, run, labelled, monkeypatch):
    monkeypatch.setattr("nlptl.runs.predictor.Predictor.predict", lambda *_: pytest.fail("predicted"))
    found = said("evaluate", run, labelled, "--eval.metrics", "acuracy")
    assert found.status == 2
    assert "eval.metrics 'acuracy'" in found.err
    assert "did you mean 'accuracy'" in found.err


@pytest.mark.parametrize("form", ["csv", None])
def test_labelled_rows_come_on_standard_input(said, run, labelled, monkeypatch, form):
    content = labelled.read_bytes()
    if form is None:
        content = "".join(json.dumps(row) + "\n" for row in reviews(20, start=300)).encode()
    expected = said("evaluate", run, "--data.test", labelled, "--output", "-").out
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    flags = ("--input-format", form) if form else ()
    assert said("evaluate", run, "--data.test", "-", "--output", "-", *flags).out == expected


def test_the_tables_of_few_classes_are_shown_and_left_out_when_quiet(said, run, labelled):
    words = ("evaluate", run, "--data.test", labelled)
    assert all(heading in said(*words).out for heading in ("95 % interval", "by class", "predicted as"))
    quiet = said(*words, "--quiet").out
    assert "accuracy" in quiet
    assert "by class" not in quiet


def test_that_not_one_answer_is_right_is_said_last(said, run, tmp_path):
    new = write_csv(tmp_path / "new.csv", reviews(20, start=300))
    answers = [json.loads(line) for line in said("predict", run, "--input", new).out.splitlines()]
    other = {"positive": "negative", "negative": "positive"}
    turned = [{"text": row["text"], "label": other[row["prediction"]]} for row in answers]
    last = said("evaluate", run, "--data.test", write_csv(tmp_path / "turned.csv", turned)).out.splitlines()[-1]
    assert last.startswith("warning macro_f1 is 0")
