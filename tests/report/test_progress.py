"""A line an epoch where there is no terminal."""

import re

import pytest

from nlptl.core.callbacks import Facts
from nlptl.report.progress import Lines, Plan, progress
from nlptl.report.voice import speaking


class Clock:
    """Counts seconds when it is told to."""

    now = 0.0

    def __call__(self):
        return self.now


def run(lines, clock, updates, scores=None):
    """Tells of updates of a second and eight examples each; an evaluation takes ten seconds."""
    if not clock.now:
        lines.on_begin(at(updates[0] - 1))
    for update in updates:
        clock.now += 1
        lines.on_update(at(update, loss=1 / update))
        if scores and update in scores:
            clock.now += 10
            lines.on_evaluate(at(update, metrics={"accuracy": scores[update]}))


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def lines(clock):
    return Lines(Plan(n_updates=6, n_epochs=3, metric="accuracy"), clock)


def at(update, **more):
    return Facts(update, 100_000, update / 100_000, 8 * update, 0, 1, **more)


def told(capsys):
    return capsys.readouterr().out.splitlines()


def test_each_epoch_has_a_line_with_loss_metric_rate_and_time_left(capsys, lines, clock):
    run(lines, clock, range(1, 7), {2: 0.5, 4: 0.625, 6: 0.75})
    assert told(capsys) == [
        "epoch   1 of 3: loss 0.7500, validation accuracy 0.5000, 8 examples/s, 0:24 left",
        "epoch   2 of 3: loss 0.2917, validation accuracy 0.6250, 8 examples/s, 0:12 left",
        "epoch   3 of 3: loss 0.1833, validation accuracy 0.7500, 8 examples/s",
    ]


def test_without_validation_the_lines_come_as_well(capsys, lines, clock):
    run(lines, clock, range(1, 7))
    lines.on_end(at(6))
    assert [line[:17] for line in told(capsys)] == ["epoch   1 of 3: l", "epoch   2 of 3: l", "epoch   3 of 3: l"]


def test_evaluations_within_an_epoch_have_a_line_if_details_are_wanted(capsys, lines, clock):
    scores = dict.fromkeys(range(1, 7), 0.5)
    run(lines, clock, range(1, 3), scores)
    assert [line[:16] for line in told(capsys)] == ["epoch   1 of 3: "]
    with speaking("verbose"):
        run(lines, clock, range(3, 5), scores)
    assert [line[:18] for line in told(capsys)] == [
        "epoch   1.5 of 3: ",
        "scores  accuracy 0",
        "epoch   2 of 3: lo",
        "scores  accuracy 0",
    ]


def test_a_resumed_run_goes_on_with_its_epochs_and_its_own_speed(capsys, lines, clock):
    run(lines, clock, range(4, 7), {4: 0.5, 6: 0.75})
    first, second = told(capsys)
    assert first.startswith("epoch   2 of 3:")
    assert first.endswith("8 examples/s, 0:22 left")
    assert second.startswith("epoch   3 of 3:")


@pytest.mark.parametrize(("shown", "loudness"), [(False, "normal"), (True, "quiet")])
def test_other_processes_and_quiet_ones_say_nothing(capsys, shown, loudness):
    with speaking(loudness), progress(Plan(2, 1, "accuracy"), shown=shown) as callbacks:
        assert not callbacks
    assert told(capsys) == []


def test_on_a_terminal_a_bar_says_the_same_within_80_characters(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    with progress(Plan(100_000, 1, "accuracy"), shown=True) as (show,):
        show.on_begin(at(99_997))
        show.on_update(at(99_998, loss=0.6931))
        show.on_evaluate(at(99_998, metrics={"accuracy": 0.75}))
        show.on_update(at(99_999, loss=0.6931))
    out = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().out)
    last = out.replace("\r", "\n").strip().splitlines()[-1]
    assert "99,999/100,000 loss 0.6931, accuracy 0.7500, " in last
    assert last.endswith(" left")
    assert len(last) <= 80
