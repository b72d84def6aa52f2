"""Gradual unfreezing from the command line: stopped anywhere, resumed, and what the result says of its phases."""

import json

import pytest

from tests.faults.small import read_lines, say

N_EPOCH = 5  # updates; the first of two phases is the first epoch
WORDS = ("--method.unfreeze", "gradual", "--train.layer_decay", 0.9, "--train.batch_size", 8, "--train.epochs", 2)


def result(run):
    return json.loads((run / "result.json").read_text())


def contents(run):
    names = ("metrics.jsonl", "predictions/validation.jsonl", "predictions/test.jsonl")
    return {name: read_lines(run / name) for name in names}


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("stop", [2, N_EPOCH, N_EPOCH + 2])
def test_a_stopped_run_goes_on_in_its_phase_to_the_same_files(capsys, work, train, stop_after, stop):
    words = (*train, *WORDS, "--train.log_every", 1)
    stop_after(stop)
    assert say(capsys, *words, "--output", "run").status == 130
    assert [phase["updates"] for phase in result(work / "run")["training"]["phases"]] == [
        n for n in (min(stop, N_EPOCH), stop - N_EPOCH) if n > 0
    ]
    stop_after(1000)
    assert say(capsys, "train", "--resume", "run").status == 0
    assert say(capsys, *words, "--output", "other").status == 0
    assert contents(work / "run") == contents(work / "other")
    for name in ("run", "other"):
        phases = result(work / name)["training"]["phases"]
        assert [(phase["updates"], phase["cut"]) for phase in phases] == [(N_EPOCH, 1), (N_EPOCH, 0)]
        assert phases[0]["trainable"] < phases[1]["trainable"] == result(work / name)["parameters"]["trainable"]
        assert all(phase["train_s"] > 0 for phase in phases)


@pytest.mark.usefixtures("unchecked")
def test_a_method_with_one_phase_says_so_in_its_result_only(capsys, work, train):
    assert say(capsys, *train, "--train.epochs", 1, "--output", "run").status == 0
    (phase,) = result(work / "run")["training"]["phases"]
    found = result(work / "run")
    assert phase["trainable"] == found["parameters"]["trainable"]
    assert phase["updates"] == found["training"]["updates"]
    assert not [line for line in read_lines(work / "run" / "metrics.jsonl") if "phase" in line]


@pytest.mark.parametrize("value", [0, 1.1, -0.5])
def test_a_layer_decay_that_is_no_share_is_refused(train, refused, value):
    assert f"train.layer_decay must be above 0 and at most 1, found {float(value)}" in refused(
        *train, "--train.layer_decay", value, "--output", "run"
    )
