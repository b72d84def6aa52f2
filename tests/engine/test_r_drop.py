"""R-Drop is the loss of equation 4, halved; two passes, however an update is divided, stopped or repeated."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch.nn import functional

from nlptl.core import kinds
from nlptl.core.errors import InputError
from nlptl.engine import batching, checkpoint, graphs, loop, planning, r_drop
from nlptl.engine.update import DROPOUT
from nlptl.methods.adapter import Adapter
from nlptl.methods.full import Full
from nlptl.methods.lora import LoRA
from nlptl.methods.partial import Partial
from nlptl.methods.probe import Probe
from nlptl.tasks.kinds import divergences
from tests import tiny
from tests.engine.test_resume import LAST, assert_same, stop_at
from tests.engine.test_resume import train as train_three_epochs
from tests.models.test_dropout import SIGMAS, between, gone
from tests.models.test_dropout import batch as drawn_batch
from tests.parity.test_division import METHODS, assert_alike, losses_and_weights, sgd
from tests.parity.test_updates import train, unmeasured
from tests.tasks import test_task_matrix as matrix

__all__ = ["sgd"]
ALPHA, LR = 0.7, 0.1
DIVIDED = [
    ("bert", "full", "native"),
    ("bert", "lora", "mean"),
    ("roberta", "adapter", "native"),
    ("t5", "full", "label_words"),
    ("modernbert", "full", "native"),
    ("gpt2", "lora", "native"),
]


def plain(pretrained, alpha):
    """Returns loss and gradients of one update over all rows, by torch's functions, in the form of equation 4."""
    module, features = pretrained.module.train(), tiny.features(pretrained)
    order = batching.Order(24, 24, 0).updates(0)[0]
    batch = batching.collate(features, order, torch.device("cpu"))
    draws = torch.from_numpy(np.random.default_rng([0, 0, DROPOUT]).integers(-(2**63), 2**63, 24))
    p, q = (module(replace(batch, draws=own)) for own in (draws, draws ^ r_drop.OTHER))
    nll = sum(functional.cross_entropy(x, batch.labels, reduction="none") for x in (p, q))
    log_p, log_q = p.log_softmax(-1), q.log_softmax(-1)
    kl = [
        functional.kl_div(a, b, reduction="none", log_target=True).sum(-1) for a, b in ((log_p, log_q), (log_q, log_p))
    ]
    equation_4 = nll + alpha / 2 * (kl[0] + kl[1])
    by_class = 24 / (2 * batch.labels.bincount().float())
    weights = by_class[batch.labels]
    loss = (equation_4 / 2 * weights).sum() / weights.sum()
    loss.backward()
    assert alpha * kl[0].max() > 0.01
    return loss.item(), {name: p.grad for name, p in module.named_parameters()}


@pytest.mark.parametrize("tokens", [10_000, 60])
@pytest.mark.parametrize(("family", "alpha"), [("bert", ALPHA), ("t5", 50.0)])
def test_an_update_is_that_of_a_plain_loop(tiny_folders, tmp_path, monkeypatch, sgd, family, alpha, tokens):
    rows = [replace(row, label="good" if i % 3 == 0 else "bad") for i, row in enumerate(tiny.examples())]
    monkeypatch.setattr(tiny, "examples", lambda **_: rows)
    loss, gradients = plain(tiny.prepared(tiny_folders[family], Full(), dropout=0.3), alpha)
    pretrained = tiny.prepared(tiny_folders[family], Full(), dropout=0.3)
    before = tiny.state(pretrained.module)
    fields = {"batch_size": 24, "class_weights": "balanced", "micro_batch_tokens": tokens, "r_drop": alpha}
    losses, after = train(pretrained, tmp_path, **fields)
    assert losses == pytest.approx([loss], rel=1e-5)
    for name, gradient in gradients.items():
        torch.testing.assert_close(after[name], before[name] - LR * gradient, rtol=1e-4, atol=1e-6)
    assert max(g.abs().max() for g in gradients.values()) > 0.01


def test_without_it_the_model_runs_once(tiny_folders, tmp_path, monkeypatch):
    monkeypatch.setattr(planning, "kept", unmeasured)
    for alpha, n in ((0.0, 3), (0.5, 6)):
        pretrained, seen = tiny.prepared(tiny_folders["bert"], Full()), []
        pretrained.module.register_forward_pre_hook(lambda module, args, seen=seen: seen.append(args[0]))
        train(pretrained, tmp_path, r_drop=alpha)
        assert len(seen) == n
    for first, second in zip(seen[::2], seen[1::2], strict=True):
        assert torch.equal(first.rows, second.rows)
        assert not (first.draws == second.draws).any()


def test_what_the_second_pass_drops_has_nothing_to_do_with_the_first():
    shape, first = (8, 90, 300), drawn_batch()
    second = r_drop.again(first)
    assert between(gone(shape, given=first), gone(shape, given=second)) < SIGMAS
    assert torch.equal(r_drop.again(second).draws, first.draws)  # so the order of the passes does not matter


@pytest.mark.parametrize(("family", "method", "pooling"), DIVIDED)
def test_micro_batches_give_the_update_of_one_batch(tiny_folders, family, method, pooling, tmp_path, sgd):
    assert method in METHODS
    whole, parts = (
        losses_and_weights(tiny_folders[family], method, pooling, tmp_path, micro_batch_tokens=most, r_drop=ALPHA)
        for most in (10_000, 60)
    )
    assert_alike(parts, whole)


def train_task(name, base, folder, tokens, alpha):
    """Returns losses and final weights of three updates of a task."""
    pretrained = matrix.load(name, base, Full(), dropout=0.3)
    task = matrix.TASKS[name]
    features, losses = task.encode(matrix.rows(name), pretrained), []
    job, _ = tiny.job(
        pretrained, folder, tiny.train_config(micro_batch_tokens=tokens, r_drop=alpha), tiny.examples(), lr=0.1
    )
    job = replace(
        job,
        features=features,
        weights=task.weights(features, pretrained.labels, "none"),
        losses=partial(task.losses, smoothing=0.0, likelihood=False),
        divergences=divergences(task.output) if alpha else None,
        callbacks=[tiny.Told(losses)],
    )
    loop.train(job, tiny.fp32())
    return losses, tiny.state(pretrained.module)


@pytest.mark.parametrize("name", [name for name, task in matrix.TASKS.items() if kinds.of(task.output).compares])
def test_every_task_with_distributions_has_it_in_any_micro_batches(tiny_folders, tmp_path, sgd, name):
    base = tiny_folders["t5" if name == "text" else "bert"]
    whole, parts, small, none = (
        train_task(name, base, tmp_path, tokens, alpha)
        for tokens, alpha in ((10_000, 5.0), (60, 5.0), (10_000, 0.001), (10_000, 0.0))
    )
    assert_alike(parts, whole)
    assert whole[0][0] > small[0][0] + 1e-3
    assert whole[0] != pytest.approx(none[0], rel=1e-3)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_layers_that_are_computed_again_drop_what_they_dropped_in_their_own_pass(tiny_folders, tmp_path, method):
    runs = []
    for again in (False, True):
        pretrained = tiny.prepared(tiny_folders["bert"], METHODS[method], seed=4, dropout=0.3)
        if again:
            pretrained.module.recompute()
            for layer in pretrained.module.blocks():
                layer._gradient_checkpointing_func.keywords["preserve_rng_state"] = False
        runs.append(train(pretrained, tmp_path, micro_batch_tokens=60, r_drop=ALPHA))
    assert runs[1][0] == runs[0][0]
    assert_same(runs[1][1], runs[0][1])


@pytest.mark.parametrize("method", ["full", "gradual", "lora above a frozen layer"])
def test_a_stopped_run_ends_as_if_it_had_not_been(tiny_folders, tmp_path, method):
    base = tiny_folders["bert"]
    _, expected, whole = train_three_epochs(base, method, tmp_path / "whole", r_drop=1.0)
    train_three_epochs(base, method, tmp_path / "run", stop_at(4), r_drop=1.0)
    newest = checkpoint.latest(tmp_path / "run")
    progress, found, record = train_three_epochs(base, method, tmp_path / "run", None, newest, r_drop=1.0)
    assert (progress.update, record.losses) == (LAST, whole.losses[4:])
    assert_same(found, expected)
    other = train_three_epochs(base, method, tmp_path / "other", r_drop=0.0)
    assert other[2].losses != whole.losses


def test_memory_is_planned_for_two_passes(tiny_folders, tmp_path, monkeypatch):
    found = []
    monkeypatch.setattr(planning, "tokens_that_fit", lambda kept, *_: found.append(kept) or 10**6)
    for alpha in (0.0, 1.0):
        train(tiny.prepared(tiny_folders["bert"], Full()), tmp_path, r_drop=alpha)
    assert 1.9 < found[1] / found[0] < 2.2


# What has no effect is refused.


def test_a_number_has_no_distribution():
    with pytest.raises(InputError, match=r"a number has none: .*that have one: class, classes, tags, span, text\)"):
        r_drop.check(tiny.train_config(r_drop=1.0), kinds.of("number"), None)
    r_drop.check(tiny.train_config(), kinds.of("number"), None)


@pytest.mark.parametrize(
    ("family", "method", "pooling", "dropout", "drops"),
    [
        ("bert", Full(), "native", 0.1, True),
        ("bert", Full(), "native", 0.0, False),
        ("t5", Full(), "native", 0.1, True),
        ("t5", Full(), "mean", 0.0, False),
        ("bart", Full(), "native", 0.0, False),
        ("bart", Full(), "native", 0.1, True),
        ("gpt2", Full(), "native", 0.0, False),
        ("modernbert", Full(), "mean", 0.0, False),
        ("bert", Partial(layers="last:1"), "native", 0.1, True),
        ("bert", LoRA(rank=2, dropout=0.0), "native", 0.0, False),
        ("bert", LoRA(rank=2, dropout=0.1), "native", 0.0, True),
        ("bert", Adapter(bottleneck=4, dropout=0.1), "native", 0.0, True),
        ("bert", Probe(), "mean", 0.1, True),  # of its head
        ("bert", Probe(), "mean", 0.0, False),
    ],
)
def test_a_model_says_whether_it_drops(tiny_folders, family, method, pooling, dropout, drops):
    module = tiny.prepared(tiny_folders[family], method, pooling, dropout=dropout).module
    before = [m.training for m in module.modules()]
    assert module.drops() == drops
    assert [m.training for m in module.modules()] == before
    config, kind = tiny.train_config(r_drop=1.0), kinds.of("class")
    if drops:
        r_drop.check(config, kind, module)
    else:
        with pytest.raises(InputError, match=r"nothing that is trained has dropout: set train\.r_drop 0, or model"):
            r_drop.check(config, kind, module)


def test_cuda_graphs_are_refused_with_it(tiny_folders):
    model = tiny.prepared(tiny_folders["bert"], Full()).module
    with pytest.raises(InputError, match=r"train\.cuda_graph needs .*train\.r_drop 0"):
        graphs.wanted(tiny.train_config(r_drop=1.0, cuda_graph=True), model, tiny.fp32())
