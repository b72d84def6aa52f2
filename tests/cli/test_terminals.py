"""Terminals that know ASCII only, labels that would command them, and runs that are told to be quiet."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.small import reviews, write_csv

LABELS = ("中文标签", "\x1b[2Jred\u202e")
ASCII = {"PYTHONIOENCODING": "ascii"}
C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def in_process(environment, *words):
    """Returns what a command line answered in a process of its own, in bytes."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "HF_HUB_OFFLINE": "1"} | environment
    words = [sys.executable, "-m", "nlptl", *map(str, words)]
    return subprocess.run(words, capture_output=True, check=False, env=env)


@pytest.fixture
def quick(monkeypatch):
    """No fresh process at the end of a run: other tests are about it."""
    monkeypatch.setattr("nlptl.runs.reload_check.run", lambda *_: {"max_abs_diff": 0.0, "n_examples": 0})


def test_training_with_chinese_and_hostile_labels_ends_well_on_an_ascii_terminal(work, train):
    rows = [{"text": row["text"], "label": LABELS[i % 2]} for i, row in enumerate(reviews(48))]
    data = write_csv(work / "train.csv", rows)
    words = ("train", "classification", "--data.train", data, *train[4:], "--train.epochs", 1, "--output", "run")
    done = in_process(ASCII, *words)
    assert (done.returncode, done.stderr) == (0, b"")
    out = done.stdout.decode("ascii")
    assert "\\u4e2d\\u6587" in out
    assert "\x1b" not in out


def test_a_chinese_text_is_predicted_in_a_c_locale_and_comes_back_as_json(run):
    done = in_process(C_LOCALE, "predict", run, "--text", "中文 film")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.decode("ascii"))["text"] == "中文 film"


def test_an_error_that_quotes_what_the_terminal_lacks_is_told(work):
    done = in_process(ASCII, "predict", "中文\x1b[2J", "--text", "x")
    assert done.returncode == 2
    assert b"\\u4e2d\\u6587\\x1b[2J" in done.stderr
    assert b"Traceback" not in done.stderr


def test_training_says_a_line_an_epoch_and_its_verdict(said, train, quick, reports):
    done = said(*train, "--train.epochs", 2, "--train.lr", 1e-9, "--eval.baselines", "simple", "--output", "run")
    lines = done.out.splitlines()
    assert [line[:16] for line in lines if line.startswith("epoch ")] == ["epoch   1 of 2: ", "epoch   2 of 2: "]
    *_, warned, tried, better, page = lines
    assert warned.startswith("warning ")
    assert tried.startswith("try     --train.epochs 8 (now 2: ")
    assert better.endswith("nlptl train --config run/recipe.yaml --method auto")
    assert page == f"report  {Path('run/report.html')}"
    result = json.loads(Path("run/result.json").read_text(encoding="utf-8"))
    assert [finding["message"] for finding in result["verdict"]["findings"]][-1] in warned


def test_quiet_training_says_nothing_and_verbose_training_says_its_settings(said, train, quick):
    words = (*train, "--train.epochs", 1, "--output")
    quiet = said(*words, "a", "--quiet")
    assert [line for line in quiet.out.splitlines() if not line.startswith("warning")] == []
    verbose = said(*words, "b", "--verbose").out
    assert "train   epochs 1, lr " in verbose
    assert "scores  accuracy " in verbose


def test_a_recipe_script_takes_the_same_flags(capsys, train, quick):
    import nlptl
    from nlptl.cli import main

    capsys.readouterr()
    words = [*map(str, train[2:]), "--train.epochs", "1", "--output", "run", "--quiet"]
    assert main(nlptl.Recipe(), words) == 0
    assert [line for line in capsys.readouterr().out.splitlines() if not line.startswith("warning")] == []
