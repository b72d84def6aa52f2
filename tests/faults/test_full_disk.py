"""A disk that is full, at several moments of a run: said in plain words, and the run goes on to the same result.

A limit on the size of files makes the system refuse to write for real, and needs no disk of its own.
"""

import errno
import os
from contextlib import contextmanager
from functools import cache

import pytest

from nlptl.cli import command
from nlptl.core import files
from nlptl.engine import checkpoint, loop
from nlptl.runs import artifact
from nlptl.runs.folder import Folder
from tests.faults.small import QUICK, read_lines, reviews, say, snapshot, write_csv

resource = pytest.importorskip("resource")  # has the limit; nlptl itself does without
SMALL = 20_000  # result.json and the log fit, weights do not
MOMENTS = {
    "weights of a checkpoint": (checkpoint, "save", 3, SMALL),
    "any file of a checkpoint": (checkpoint, "save", 3, 0),
    "the log": (Folder, "log", 7, 0),
    "predictions": (Folder, "write_predictions", 2, 0),
    "weights of the artifact": (artifact, "save", 1, SMALL),
    "any file of the artifact": (artifact, "save", 1, 0),
    "result.json": (files, "write_json", 3, 0),
}
"""From which call of which function on the disk is full, and how many bytes a file may then have."""


@contextmanager
def full_disk(place, name, n, most_bytes):
    """Makes the disk full from the n-th call of a function on, to the end of the block."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    found, calls = getattr(place, name), []

    def full(*words, **options):
        calls.append(1)
        if len(calls) == n:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, before[1]))
        return found(*words, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place, name, full)
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)


WORDS = ("--train.batch_size", 8, "--train.epochs", 2, "--train.log_every", 1, "--train.checkpoint_every", 2)


@pytest.fixture(scope="module")
def whole(bert, tmp_path_factory):
    """Gives, by method, the run that no full disk stopped."""
    place = tmp_path_factory.mktemp("whole")
    write_csv(place / "train.csv", reviews(48))

    @cache
    def run(method):
        words = ("train", "--data.train", place / "train.csv", "--model.name", bert, *QUICK, "--method", method)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("nlptl.runs.reload_check.run", lambda *_: {"max_abs_diff": 0.0, "n_examples": 0})
            assert command([str(word) for word in (*words, *WORDS, "--output", place / method)]) == 0
        return place / method

    return run


def lines_of(run):
    names = ("metrics.jsonl", "predictions/validation.jsonl", "predictions/test.jsonl")
    return {name: read_lines(run / name) for name in names}


@pytest.mark.parametrize(
    ("method", "moment"), [*(("full", moment) for moment in MOMENTS), ("lora", "any file of the artifact")]
)
def test_it_is_said_and_the_run_goes_on_from_its_checkpoint_to_the_same_result(
    capsys, work, train, unchecked, whole, method, moment
):
    with full_disk(*MOMENTS[moment]):
        said = say(capsys, *train, "--method", method, *WORDS, "--output", "run")
    assert said.status == 1, said
    assert os.strerror(errno.EFBIG) in said.err
    assert "nlptl train --resume" in said.err
    assert "Traceback" not in said.out + said.err
    assert (work / "run" / "model").exists() == (moment == "result.json")  # whole, or not there
    assert not list((work / "run").rglob("*.partial"))
    assert len(list((work / "run" / "checkpoints").iterdir())) == 2
    goes_on = []
    with pytest.MonkeyPatch.context() as patch:
        load = checkpoint.load
        patch.setattr(checkpoint, "load", lambda *given: goes_on.append(1) or load(*given))
        assert say(capsys, "train", "--resume", "run").status == 0
    assert goes_on
    assert lines_of(work / "run") == lines_of(whole(method))
    weights = {name: content for name, content in snapshot(work / "run" / "model").items() if "safetensors" in name}
    assert weights
    assert weights.items() <= snapshot(whole(method) / "model").items()


def test_a_disk_that_is_full_at_the_start_is_said(capsys, work, train):
    with full_disk(Folder, "begin", 1, 0):
        said = say(capsys, *train, "--output", "run")
    assert said.status == 2
    assert "'run' cannot be written" in said.err
    assert [path.name for path in (work / "run").iterdir()] == ["checkpoints"]


def test_what_stopped_a_run_is_told_even_if_it_cannot_be_written(capsys, monkeypatch, work, train):
    def stop(*_, **__):
        raise ValueError("a fault of the program")

    monkeypatch.setattr("nlptl.engine.loop.train", stop)
    with full_disk(loop, "train", 1, 0), pytest.raises(ValueError, match="a fault of the program"):
        say(capsys, *train, "--output", "run")
