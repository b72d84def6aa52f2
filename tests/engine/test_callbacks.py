"""What callbacks are told, and what becomes of a run that one of them stops."""

import math
from dataclasses import replace

import pytest

from nlptl.core.callbacks import Callback
from nlptl.core.errors import TrainingError
from nlptl.engine import loop
from nlptl.methods.full import Full
from tests import tiny
from tests.engine.test_resume import stop_at


class Told(Callback):
    """Keeps what it is told; stops the run in some event at some update."""

    def __init__(self, event=None, update=None):
        self.event, self.update, self.heard = event, update, []

    def hear(self, event, facts):
        self.heard.append((event, facts))
        return "enough" if (event, facts.update) == (self.event, self.update) else None

    def on_begin(self, facts):
        self.hear("begin", facts)

    def on_update(self, facts):
        return self.hear("update", facts)

    def on_evaluate(self, facts):
        return self.hear("evaluate", facts)

    def on_checkpoint(self, facts):
        self.hear("checkpoint", facts)

    def on_end(self, facts):
        self.hear("end", facts)


def run(base, folder, callback, losses=None, **fields):
    pretrained = tiny.prepared(base, Full())
    scores = iter([0.5, 0.9, 0.7])
    config = tiny.train_config(**{"epochs": 2} | fields)
    job, record = tiny.job(pretrained, folder, config, evaluate=lambda: {"accuracy": next(scores)})
    job = replace(job, losses=losses or job.losses, callbacks=[*job.callbacks, callback])
    return loop.train(job, tiny.fp32()), record, pretrained.module


def test_a_callback_is_told_all_in_its_order(tiny_folders, tmp_path):
    told = Told()
    progress, record, module = run(tiny_folders["bert"], tmp_path, told, checkpoint_every=2)
    expected = "begin update update checkpoint update evaluate update checkpoint update update evaluate checkpoint end"
    assert [event for event, _ in told.heard] == expected.split()
    updates = [facts for event, facts in told.heard if event == "update"]
    assert [facts.update for facts in updates] == [1, 2, 3, 4, 5, 6]
    assert [facts.loss for facts in updates] == record.losses
    assert [facts.n_examples for facts in updates] == [8, 16, 24, 32, 40, 48]
    assert updates[2].epoch == 1
    assert {facts.n_updates for facts in updates} == {6}
    assert {facts.trainable for facts in updates} == {sum(p.numel() for p in module.parameters())}
    assert [dict(f.metrics) for event, f in told.heard if event == "evaluate"] == [{"accuracy": 0.5}, {"accuracy": 0.9}]
    assert [f.checkpoint.name for event, f in told.heard if event == "checkpoint"] == [
        "update-00000002",
        "update-00000004",
        "update-00000006",
    ]
    assert (told.heard[-1][1].best_update, told.heard[-1][1].stopped_by, progress.stopped_by) == (6, None, None)


@pytest.mark.parametrize(("event", "update", "at"), [("update", 2, [2]), ("update", 3, [3]), ("evaluate", 3, [3])])
def test_a_callback_that_asks_ends_the_run_evaluated_as_at_its_end(tiny_folders, tmp_path, event, update, at):
    told = Told(event, update)
    progress, record, _ = run(tiny_folders["bert"], tmp_path / "checkpoints", told)
    assert (progress.update, progress.finished, progress.stopped_by) == (update, True, "Told: enough")
    assert [line["update"] for line in record.lines if "validation" in line] == at
    assert (progress.best_update, progress.validation) == (update, {"accuracy": 0.5})
    assert told.heard[-1][1].stopped_by == "Told: enough"
    assert not (tmp_path / "checkpoints").exists()


def test_at_the_end_of_an_interrupted_run_the_signal_is_told(tiny_folders, tmp_path):
    told, pressed = Told(), stop_at(2)
    told.on_update = pressed
    progress, _, _ = run(tiny_folders["bert"], tmp_path, told)
    assert not progress.finished
    assert (told.heard[-1][0], told.heard[-1][1].stopped_by) == ("end", "SIGINT")


def test_an_update_that_is_left_out_is_told_with_its_rows(tiny_folders, tmp_path):
    told = Told()
    with pytest.raises(TrainingError):
        run(tiny_folders["bert"], tmp_path, told, lambda logits, batch: logits.sum(1) * math.nan, max_skipped=2)
    left_out = [facts for event, facts in told.heard if event == "update"]
    assert [facts.update for facts in left_out] == [1, 2]
    assert all("loss nan" in facts.skipped and len(facts.row_ids) == 8 for facts in left_out)
