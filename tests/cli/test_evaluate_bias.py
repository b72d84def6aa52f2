"""`nlptl evaluate --eval.groups` and `--eval.swaps`: tables, JSON, and what is refused."""

import csv
import json

import pytest

from nlptl import DataConfig
from nlptl.cli import command
from nlptl.runs.run import Run, load
from tests.faults.small import reviews


@pytest.fixture
def labelled(run, tmp_path):
    """A labelled file with a column of groups and words to swap."""
    path = tmp_path / "new.csv"
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["text", "label", "place", "id"])
        for i, row in enumerate(reviews(48, start=300)):
            text = row["text"].replace("wonderful", "terrible") if i % 5 == 0 else row["text"]
            writer.writerow([text, row["label"], ["here", "there", " there ", ""][i % 4], i])
    return path


@pytest.fixture
def words(tmp_path):
    path = tmp_path / "words.json"
    path.write_text(json.dumps({"wonderful": "terrible", "best": "worst", "great": "awful", "fine": "poor"}))
    return path


def test_scores_by_group_stand_in_tables_and_in_the_output(said, run, labelled):
    plain = said("evaluate", run, labelled)
    found = said("evaluate", run, labelled, "--eval.groups", "place", "--output", "x.json")
    assert found.out.startswith(plain.out)
    assert all(word in found.out for word in ("by place", "here", "there", "(missing)", "gap "))
    groups = json.loads((labelled.parent / "x.json").read_text())["groups"]
    assert [(group["name"], group["n"]) for group in groups["groups"]] == [
        ("there", 24),
        ("(missing)", 12),
        ("here", 12),
    ]
    assert groups["metric"] == "accuracy"
    total = sum(group["n"] * group["score"]["value"] for group in groups["groups"]) / 48
    assert total == pytest.approx(json.loads((labelled.parent / "x.json").read_text())["metrics"]["accuracy"]["value"])


def test_the_first_metric_is_measured_by_group(said, run, labelled):
    words = ("evaluate", run, labelled, "--eval.groups", "place", "--output", "-", "--eval.metrics")
    assert json.loads(said(*words, "macro_f1,auroc").out)["groups"]["metric"] == "macro_f1"
    assert "'auroc' is not measured by group" in said(*words, "auroc,macro_f1").err


def test_swapped_words_are_predicted_again(said, run, labelled, words):
    found = said("evaluate", run, labelled, "--eval.swaps", words)
    assert found.status == 0
    out = json.loads(said("evaluate", run, labelled, "--eval.swaps", words, "--output", "-").out)["swaps"]
    assert f"words swapped in {out['n']} of 48 rows" in found.out
    opened = load(run)
    examples = opened.read(str(labelled), DataConfig(), need_label=True)
    texts = [example.text for example in examples if set(example.text.split()) & set(out["words"])]
    assert out["n"] == len(texts) > 0
    swapped = [" ".join(out["words"].get(word, word) for word in text.split()) for text in texts]
    pairs = list(zip(opened.predict(texts), opened.predict(swapped), strict=True))
    assert out["flipped"]["value"] == pytest.approx(sum(a.prediction != b.prediction for a, b in pairs) / len(pairs))
    change = sum(b.scores["positive"] - a.scores["positive"] for a, b in pairs) / len(pairs)
    assert out["by_label"]["positive"]["value"] == pytest.approx(change, abs=1e-6)
    assert out["flips"] and all(flip["before"] != flip["after"] for flip in out["flips"])
    assert out["flips"][0]["text"] == examples[out["flips"][0]["row_id"]].text


def test_that_no_row_has_such_a_word_is_said(said, run, labelled):
    (labelled.parent / "none.json").write_text('{"zebra": "lion"}')
    found = said("evaluate", run, labelled, "--eval.swaps", "none.json")
    assert "none of the 48 rows contains a word of the list" in found.out
    out = json.loads(said("evaluate", run, labelled, "--eval.swaps", "none.json", "--output", "-").out)["swaps"]
    assert (out["n"], out["flipped"], out["flips"]) == (0, None, [])


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (("--eval.groups", "plaec"), "no column 'plaec' (did you mean 'place'?); columns: 'text', 'label', 'place'"),
        (("--eval.swaps", "missing.json"), "there is no file 'missing.json'"),
        (("--eval.group", "place"), "has no flag --eval.group"),
    ],
)
def test_what_is_not_there_is_said_before_anything_is_predicted(said, run, labelled, monkeypatch, flags, expected):
    monkeypatch.setattr("nlptl.runs.predictor.Predictor.predict", lambda *_: pytest.fail("predicted"))
    found = said("evaluate", run, labelled, *flags)
    assert (found.status, expected in found.err) == (2, True)


def test_other_answers_than_one_label_are_refused(said, run, labelled, monkeypatch):
    class Several(Run):
        @property
        def pretrained(self):
            found = super().pretrained
            found.output = "classes"
            return found

    monkeypatch.setattr("nlptl.runs.run.Run", Several)
    found = said("evaluate", run, labelled, "--eval.swaps", "default")
    assert (found.status, "for tasks with one label a row; this model answers with several labels" in found.err) == (
        2,
        True,
    )


def test_help_names_both_flags(capsys):
    with pytest.raises(SystemExit):
        command(["evaluate", "--help"])
    out = capsys.readouterr().out
    assert "--eval.groups COLUMN" in out
    assert "--eval.swaps {FILE,default}" in out
