"""What a run prints: tables, classes, the verdict; clean, in the terminal's alphabet, as loud as was asked."""

import io
import sys
from pathlib import Path

import pytest

from nlptl.core.records import Interval, Scores
from nlptl.core.result import Result
from nlptl.report import console

METRIC = {"value": 0.75, "low": 0.5, "high": 1.0}
HOSTILE = ("\x1b[2Jred", "\u202eevil", "中文", "a\nb", "[bold]x[/]", "long" * 9000)


def of_classes(names):
    """Returns the table by class and the confusion of some classes, all right."""
    row = {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 1}
    return dict.fromkeys(names, row), [[int(i == j) for i in range(len(names))] for j in range(len(names))]


def result(names=("bad", "good"), **parts):
    per_class, confusion = of_classes(names)
    baseline = {"accuracy": METRIC, "gain": {"value": 0.25, "low": -0.125, "high": 0.5}}
    values = {
        "status": "succeeded",
        "method": "full",
        "primary": {"name": "accuracy", "split": "test", "value": 0.75},
        "rows": {"test": 1234},
        "metrics": {"test": {"accuracy": METRIC}},
        "baselines": {"test": {"majority": baseline}},
        "per_class": {"test": per_class},
        "confusion": {"test": confusion},
        "parameters": {"trainable": 10, "total": 20},
        "timing": {"train_s": 1.0, "examples_per_s": 8.0},
        "memory": {"peak_mib": 100.0},
        "artifact_bytes": 2**20,
        "training": {"skipped": 0, "updates": 3, "stopped_by": None},
        "reload_check": {"max_abs_diff": 0.0},
        "verdict": {"findings": [], "advice": []},
    } | parts
    return Result.from_dict({name: value for name, value in values.items() if value is not None})


def finding(message):
    return {"kind": "poor", "message": message, "n": 1, "severity": "warning"}


def scores(names=("bad", "good")):
    return Scores({"accuracy": Interval(0.75, 0.5, 1.0)}, *of_classes(names))


def said(capsys, *args, loudness="normal", **parts):
    with console.speaking(loudness):
        console.after(Path("runs/a"), result(*args, **parts))
    return capsys.readouterr().out


def test_the_result_stands_beside_the_baselines_under_plain_headings(capsys):
    out = said(capsys)
    for words in ("test, 1,234 rows", "accuracy", "95 % interval", "difference to baseline", "majority"):
        assert words in out
    assert "+0.2500 (-0.1250 to +0.5000)" in out
    assert "ours" not in out


def test_the_difference_in_sentence_transformers_stands_beside_that_after_reloading(capsys):
    assert "(largest difference 0.0e+00)" in said(capsys)
    check = {"max_abs_diff": 0.0, "sentence_transformers_max_abs_diff": 2.5e-7}
    assert "0.0e+00, through sentence-transformers 2.5e-07)" in " ".join(said(capsys, reload_check=check).split())


@pytest.mark.parametrize(("n", "tables"), [(2, True), (10, True), (11, False)])
def test_up_to_ten_classes_are_shown_one_by_one_with_their_confusion(capsys, n, tables):
    names = [f"class {i}" for i in range(n)]
    out = said(capsys, names)
    assert ("precision" in out) == ("predicted as" in out) == tables
    assert (f"classes {n}, too many to show here" in out) == (not tables)
    assert "precision" in said(capsys, names, loudness="verbose")


def test_an_evaluation_shows_the_same_tables(capsys):
    console.scores(scores(), "new.csv")
    out = capsys.readouterr().out
    assert all(words in out for words in ("new.csv", "metric", "0.5000 to 1.0000", "by class", "predicted as"))


def test_answers_without_classes_have_no_such_tables(capsys):
    out = said(capsys, ())
    assert "by class" not in out
    assert "predicted as" not in out


def test_confusion_has_the_labels_above_its_columns_if_they_fit(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    names = [f"a long name {i}" for i in range(8)]
    wide = said(capsys, names)
    assert "1 a long name 0" in wide
    monkeypatch.setenv("COLUMNS", "200")
    assert "1 a long name 0" not in said(capsys, names)


def test_the_last_lines_say_what_is_poor_and_what_to_try(capsys):
    told = {"findings": [finding("all rows are predicted as 'bad'")], "advice": ["--train.lr 1e-4", "more rows"]}
    lines = said(capsys, verdict=told).splitlines()
    assert lines[-2] == "warning all rows are predicted as 'bad'"
    assert lines[-1] == "try     --train.lr 1e-4; or more rows"


def test_a_result_of_an_older_version_without_a_verdict_is_shown(capsys):
    console.after(Path("runs/a"), result(verdict=None))
    assert "run     runs/a" in capsys.readouterr().out


def test_a_stopped_run_says_by_what_and_how_to_go_on(capsys):
    training = {"skipped": 0, "updates": 12, "stopped_by": "SIGTERM"}
    out = said(capsys, status="interrupted", training=training, loudness="quiet")
    assert out == "stopped by SIGTERM after update 12; go on with nlptl train --resume runs/a\n"


def test_quiet_leaves_warnings_and_what_was_asked_for(capsys):
    training = {"skipped": 1, "updates": 3}
    told = {"findings": [finding("poor")], "advice": ["more rows"]}
    lines = said(capsys, loudness="quiet", training=training, verdict=told).splitlines()
    assert [line.split()[0] for line in lines] == ["warning", "warning"]
    with console.speaking("quiet"):
        console.scores(scores(), "new.csv")
    out = capsys.readouterr().out
    assert "accuracy" in out
    assert "by class" not in out


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_hostile_labels_and_titles_are_shown_clean_in_any_alphabet(monkeypatch, encoding):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    told = {"findings": [finding(HOSTILE[0])], "advice": [HOSTILE[1]]}
    console.after(Path("runs/\x1b[1m中"), result(HOSTILE, verdict=told, method="\u202efull"))
    console.scores(scores(HOSTILE), "\x1b]0;t\x07.csv")
    sys.stdout.flush()
    out = raw.getvalue().decode(encoding)
    assert not {"\x1b", "\u202e", "\x07"} & set(out)
    assert "\\x1b[2Jred" in out
    assert "[bold]x[/]" in out
    assert ("中文" in out) == (encoding == "utf-8")
    assert len(out) < 20_000
