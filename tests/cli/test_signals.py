"""Real signals to real processes, outside the training loop: one line, the right status, and nothing is lost."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.faults.small import reviews, say, write_csv

PATIENCE_S = 120
HELD = """
import sys, time
from importlib import import_module
from nlptl.cli import command

def hold(*_, **__):
    print("held", flush=True)
    time.sleep(100)

module, name = {at!r}.rsplit(":", 1)
setattr(import_module(module), name, hold)
sys.exit(command(sys.argv[1:]))
"""


def signalled(number, at, *words):
    """Returns what a command answered that was sent a signal while it was in a function, such as "module:name"."""
    process = subprocess.Popen(
        [sys.executable, "-c", HELD.format(at=at), *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "HF_HUB_OFFLINE": "1"},
    )
    said = []
    while "held" not in (line := process.stdout.readline()):
        assert line, process.communicate()
        said.append(line)
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, "".join(said) + out, err


def test_before_training_one_line_is_said_and_nothing_is_left(work, train):
    found, _, err = signalled(signal.SIGINT, "nlptl.runs.training:prepare", *train, "--output", "run")
    assert (found, err) == (130, "interrupted by SIGINT\n")
    assert sorted(p.name for p in work.iterdir()) == ["train.csv"]


def test_after_training_the_trained_model_is_kept_and_resuming_only_finishes_the_run(capsys, work, train, monkeypatch):
    words = (*train, "--train.epochs", 2, "--train.checkpoint_every", 100, "--output", "run")
    found, _, err = signalled(signal.SIGTERM, "nlptl.runs.reload_check:run", *words)
    assert found == 143
    assert err == "interrupted by SIGTERM; go on with nlptl train --resume run\n"
    assert json.loads((work / "run" / "result.json").read_text())["status"] == "interrupted"
    assert len(list((work / "run" / "checkpoints").iterdir())) == 1
    monkeypatch.setattr("nlptl.engine.update.Updates.do", lambda *_: pytest.fail("trained again"))
    monkeypatch.setattr("nlptl.runs.reload_check.run", lambda *_: {"max_abs_diff": 0.0, "n_examples": 0})
    assert say(capsys, "train", "--resume", "run").status == 0


def test_a_signal_while_predicting_leaves_no_half_of_an_output(run, tmp_path):
    new = write_csv(tmp_path / "new.csv", [{"text": "good film"}])
    at = "nlptl.data.writing:_delimited"
    found, _, err = signalled(signal.SIGTERM, at, "predict", run, "--input", new, "--output", "out.csv")
    assert (found, err) == (143, f"interrupted by SIGTERM; {tmp_path / 'out.csv'} was not written\n")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["new.csv"]


def test_a_signal_while_evaluating_is_one_line(run, tmp_path):
    data = write_csv(tmp_path / "test.csv", reviews(8))
    found, out, err = signalled(signal.SIGINT, "nlptl.evaluation.scores:score", "evaluate", run, "--data.test", data)
    assert (found, out, err) == (130, "", "interrupted by SIGINT\n")
