"""The loop: what is in training mode, evaluations, the kept state, losses that are not finite."""

import json
import math
import shutil
from dataclasses import replace

import pytest
import torch
from torch import nn

from nlptl.core.errors import TrainingError
from nlptl.engine import checkpoint, loop, optim
from nlptl.methods.adapter import Adapter
from nlptl.methods.full import Full
from nlptl.methods.lora import LoRA
from nlptl.methods.probe import Probe
from tests import tiny


def scripted(scores):
    """Returns an evaluation that gives these accuracies one after the other."""
    left = iter(scores)
    return lambda: {"accuracy": next(left)}


def run(pretrained, tmp_path, scores=None, show=None, **fields):
    job, record = tiny.job(
        pretrained,
        tmp_path / "checkpoints",
        tiny.train_config(**fields),
        evaluate=scripted(scores) if scores else dict,
        show=show,
    )
    return loop.train(job, tiny.fp32()), record


# Modes.

METHODS = {"full": Full(), "lora": LoRA(rank=2, layers="last:1"), "adapter": Adapter(layers="last:1"), "probe": Probe()}


def dropouts_in_training_mode(module: nn.Module) -> set[str]:
    return {name for name, part in module.named_modules() if isinstance(part, nn.Dropout) and part.training}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_only_what_trains_has_dropout(folder, method):
    module = tiny.prepared(folder, METHODS[method], "mean").module
    assert all(p.training for p in module.train().modules()) == (method == "full")
    on = dropouts_in_training_mode(module)
    assert "net.dropout" in on
    below = {name for name in on if "embeddings" in name or "layer.0." in name}
    above = {name for name in on if "layer.1." in name}
    assert bool(below) == (method == "full")
    assert bool(above) == (method in ("full", "lora"))  # an adapter's sub-layer is frozen itself
    assert not dropouts_in_training_mode(module.eval())


def test_the_dropout_of_a_frozen_sub_layer_is_off_beside_a_trained_one(tiny_folders):
    module = tiny.prepared(tiny_folders["bert"], Adapter()).module.train()
    on = dropouts_in_training_mode(module)
    assert not [name for name in on if "attention" in name]
    assert "net.bert.encoder.layer.0.output.base_layer.dropout" not in on


def test_training_draws_dropout_and_evaluation_does_not(folder):
    pretrained = tiny.prepared(folder, Full())
    batch = tiny.batch(pretrained)
    module = pretrained.module.train()
    assert not torch.equal(module(batch), module(batch))
    module.eval()
    assert torch.equal(module(batch), module(batch))


def test_dropout_can_be_turned_off(folder):
    module = tiny.prepared(folder, Full(), dropout=0.0).module
    batch = tiny.batch(tiny.load(folder))
    assert torch.equal(module.train()(batch), module.eval()(batch))


@pytest.mark.parametrize("family", ["bert", "roberta", "t5"])
def test_turning_dropout_off_turns_the_heads_off_too(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"classifier_dropout": 0.5}))
    pretrained = tiny.prepared(copy, Full(), dropout=0.0)
    batch = tiny.batch(pretrained)
    assert torch.equal(pretrained.module.train()(batch), pretrained.module.eval()(batch))


# Progress.


def test_an_update_is_logged_with_its_loss_and_its_rate(tiny_folders, tmp_path):
    progress, record = run(
        tiny.prepared(tiny_folders["bert"], Full()), tmp_path, epochs=2, log_every=2, schedule="linear"
    )
    assert (progress.update, progress.n_examples, progress.finished) == (6, 48, True)
    assert [line["update"] for line in record.lines] == [2, 4, 6]
    assert [line["loss"] for line in record.lines] == record.losses[1::2]
    assert [line["lr"] for line in record.lines] == pytest.approx([1e-2 * 5 / 6, 1e-2 * 3 / 6, 1e-2 / 6])
    assert all(line["grad_norm"] > 0 for line in record.lines)


@pytest.mark.parametrize(("every", "at"), [(None, [3, 6]), (2, [2, 4, 6]), (4, [4, 6])])
def test_validation_is_measured_when_asked_for_and_at_the_end(tiny_folders, tmp_path, every, at):
    _, record = run(
        tiny.prepared(tiny_folders["bert"], Probe(), "cls"), tmp_path, [0.5] * 3, epochs=2, evaluate_every=every
    )
    lines = [line for line in record.lines if "validation" in line]
    assert [line["update"] for line in lines] == at
    assert [line["epoch"] for line in lines] == [update / 3 for update in at]


def test_training_stops_after_evaluations_without_gain(tiny_folders, tmp_path):
    scores = [0.5, 0.7, 0.7, 0.6, 0.9]
    progress, _ = run(tiny.prepared(tiny_folders["bert"], Probe(), "cls"), tmp_path, scores, epochs=5, early_stopping=2)
    assert (progress.update, progress.finished) == (4 * 3, True)
    assert (progress.best_update, progress.best_score) == (6, 0.7)


def states_by_update(pretrained, tmp_path, **fields):
    """Returns the trained weights after every update, the final ones, and the progress."""
    states = {}

    def show(facts):
        states[facts.update] = tiny.state(pretrained.module)

    progress, _ = run(pretrained, tmp_path, [0.5, 0.9, 0.7], show, epochs=3, **fields)
    return states, tiny.state(pretrained.module), progress


@pytest.mark.parametrize("method", [Full(), LoRA(rank=2)], ids=["full", "lora"])
@pytest.mark.parametrize(("keep", "update"), [("best", 6), ("last", 9)])
def test_the_kept_state_is_left_in_the_model(tiny_folders, tmp_path, method, keep, update):
    states, final, progress = states_by_update(tiny.prepared(tiny_folders["bert"], method), tmp_path, keep=keep)
    assert progress.best_update == 6
    assert all(torch.equal(states[update][name], final[name]) for name in final)
    assert any(not torch.equal(states[9][name], states[6][name]) for name in final)


def test_a_smaller_score_can_be_the_better_one(tiny_folders, tmp_path):
    job, _ = tiny.job(
        tiny.prepared(tiny_folders["bert"], Probe(), "cls"),
        tmp_path,
        tiny.train_config(epochs=3),
        evaluate=scripted([0.9, 0.2, 0.3]),
    )
    progress = loop.train(replace(job, greater_is_better=False), tiny.fp32())
    assert (progress.best_update, progress.best_score) == (6, 0.2)


def test_without_validation_the_last_state_is_kept(tiny_folders, tmp_path):
    pretrained, states = tiny.prepared(tiny_folders["bert"], Full()), {}

    def show(facts):
        states[facts.update] = tiny.state(pretrained.module)

    progress, _ = run(pretrained, tmp_path, None, show)
    assert (progress.best_update, progress.validation) == (None, {})
    assert all(torch.equal(p, states[3][name]) for name, p in tiny.state(pretrained.module).items())


def test_the_gradient_is_clipped(tiny_folders, tmp_path, monkeypatch):
    def sgd(trainable, lr, decay, **_):
        return torch.optim.SGD(trainable, lr=lr, fused=True)

    monkeypatch.setattr(optim, "optimizer", sgd)
    for limit in (0.01, 0.0):
        pretrained = tiny.prepared(tiny_folders["bert"], Full())
        before = tiny.state(pretrained.module)
        _, record = run(pretrained, tmp_path, batch_size=24, max_grad_norm=limit)
        steps = [(p.detach() - before[name]).norm() for name, p in pretrained.module.named_parameters()]
        length = float(torch.stack(steps).norm()) / 1e-2
        assert length == pytest.approx(limit or record.lines[0]["grad_norm"], rel=1e-3)
        assert record.lines[0]["grad_norm"] > 0.1


# Losses that are not finite.


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("at", [1, 3])
def test_a_loss_that_is_not_finite_stops_at_the_update_and_keeps_the_state_before_it(tiny_folders, tmp_path, value, at):
    pretrained = tiny.prepared(tiny_folders["bert"], Full())
    job, record = tiny.job(pretrained, tmp_path / "checkpoints", tiny.train_config(max_skipped=1))

    def losses(logits, labels):
        own = job.losses(logits, labels)
        return own * value if len(record.losses) == at - 1 else own

    with pytest.raises(TrainingError, match=rf"update {at}: loss {value}, .*lower train\.lr or train\.precision fp32"):
        loop.train(replace(job, losses=losses), tiny.fp32())
    assert all(p.isfinite().all() for p in tiny.state(pretrained.module).values())
    newest = checkpoint.latest(tmp_path / "checkpoints")
    assert checkpoint.update_of(newest) == at
    state, progress = checkpoint.load(newest)
    assert (progress.update, progress.n_skipped, progress.finished) == (at, 1, False)
    assert record.lines[-1]["update"] == at
    assert set(record.lines[-1]["row_ids"]) <= set(job.row_ids)
    assert state.weights.keys() == tiny.state(pretrained.module).keys()
    assert all(torch.equal(p, state.weights[name]) for name, p in tiny.state(pretrained.module).items())


def test_weights_that_are_not_finite_stop_the_run_even_if_it_has_few_updates(tiny_folders, tmp_path):
    pretrained = tiny.prepared(tiny_folders["bert"], Full())
    with torch.no_grad():
        pretrained.module.net.classifier.weight[0, 0] = math.inf
    with pytest.raises(TrainingError, match=r"update \d: loss (nan|inf)"):
        run(pretrained, tmp_path)
