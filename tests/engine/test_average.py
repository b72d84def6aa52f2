"""The mean of states is that of a plain loop, is evaluated and delivered, and leaves training as it is."""

from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pytest
import torch

from nlptl.core.config import TrainConfig
from nlptl.core.errors import InputError
from nlptl.core.phases import Phase
from nlptl.engine import checkpoint, loop, used_rows
from nlptl.methods.adapter import Adapter
from nlptl.methods.full import Full
from nlptl.methods.lora import LoRA
from nlptl.methods.partial import Partial
from tests import tiny
from tests.engine.test_phases import only, there_and_back
from tests.engine.test_resume import LAST, KilledError, assert_same, kill_at, stop_at
from tests.engine.test_resume import train as train_three_epochs

METHODS = {
    "full": Full(),
    "gradual": Full(unfreeze="gradual"),
    "partial": Partial(layers="last:1"),
    "lora": LoRA(rank=2, dropout=0.2),
    "adapter": Adapter(bottleneck=4),
}
MEANS = ("exponential", "epochs")
CASES = [("full", "whole"), *((method, "used") for method in METHODS)]
DECAY = 0.8


@dataclass
class Run:
    """What a run of nine updates in three epochs had in its model, the whole embedding included."""

    trained: dict = field(default_factory=dict)
    """After each update, 0 before the first."""
    evaluated: dict = field(default_factory=dict)
    """In each evaluation."""
    final: dict = field(default_factory=dict)
    losses: list = field(default_factory=list)
    best_update: int | None = None


def run(base, folder, method="full", made=None, scores=None, **fields):
    pretrained, done, reached = tiny.prepared(base, METHODS[method], seed=4, dropout=0.1), Run(), [0]
    module, whole = pretrained.module, pretrained.module.token_embedding().weight
    name = next(name for name, p in module.named_parameters() if p is whole)
    done.trained[0] = tiny.state(module)
    used = np.unique(tiny.features(pretrained).input_ids)

    def shown(facts):
        reached[0] = facts.update
        found = tiny.state(module)
        if len(found[name]) < len(whole):
            rows, found[name] = found[name], done.trained[0][name].clone()
            found[name][used] = rows
        done.trained[facts.update] = found

    def evaluate():
        done.evaluated[reached[0]] = tiny.state(module) | {name: whole.detach().clone()}
        return {"accuracy": (scores or {}).get(reached[0], 0.5)}

    config = tiny.train_config(**{"epochs": 3, "seed": 11, "average_decay": DECAY, "keep": "last"} | fields)
    phases = made(module) if made else tiny.phases(METHODS[method], pretrained, config.epochs)
    job, record = tiny.job(pretrained, folder, config, evaluate=evaluate, show=shown, phases=phases)
    done.best_update = loop.train(job, tiny.fp32()).best_update
    done.final, done.losses = tiny.state(module), record.losses
    return done


def exponential(states, n):
    """Returns the mean after n updates as a sum in which a state's share shrinks with its age."""
    shares = [DECAY ** (n - i) for i in range(1, n + 1)]
    return {name: sum(share * states[i][name] for i, share in enumerate(shares, 1)) / sum(shares) for name in states[0]}


def mean(states, *updates):
    return {name: sum(states[update][name] for update in updates) / len(updates) for name in states[0]}


def assert_close(found, expected):
    assert found.keys() == expected.keys()
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def differ(one, other):
    return any(not torch.allclose(one[name], other[name], atol=1e-4) for name in one)


@pytest.fixture
def rows(request, monkeypatch):
    """The embedding is trained as the rows that are used, or as a whole."""
    monkeypatch.setattr(used_rows, "MIN_ROWS", 10**9 if getattr(request, "param", "") == "whole" else 1)


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(("method", "rows"), CASES, indirect=["rows"])
def test_the_exponential_mean_is_that_of_a_plain_loop(tiny_folders, tmp_path, method):
    done = run(tiny_folders["bert"], tmp_path, method, average="exponential")
    assert set(done.evaluated) == {3, 6, 9}
    for update, found in done.evaluated.items():
        assert_close(found, exponential(done.trained, update))
    assert_same(done.final, done.evaluated[9])
    assert differ(done.final, done.trained[9])


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(("method", "rows"), CASES[:3], indirect=["rows"])
def test_the_mean_of_epochs_is_that_of_their_last_states_from_the_middle_on(tiny_folders, tmp_path, method):
    done = run(tiny_folders["bert"], tmp_path, method, average="epochs", evaluate_every=1)
    for update in range(1, 6):  # in the first half there is no mean
        assert_same(done.evaluated[update], done.trained[update])
    for update in range(6, 9):
        assert_same(done.evaluated[update], done.trained[6])
    assert_close(done.evaluated[9], mean(done.trained, 6, 9))
    assert_same(done.final, done.evaluated[9])
    assert differ(done.final, done.trained[9])


@pytest.mark.parametrize(("epochs", "ends"), [(1, [1]), (2, [2]), (3, [2, 3]), (4, [3, 4]), (5, [3, 4, 5])])
def test_of_the_epochs_those_in_the_second_half_count(tiny_folders, tmp_path, epochs, ends):
    done = run(tiny_folders["bert"], tmp_path, average="epochs", epochs=epochs)
    assert_close(done.final, mean(done.trained, *(3 * end for end in ends)))


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("method", ["full", "gradual"])
def test_training_goes_on_without_it(tiny_folders, tmp_path, method):
    plain, *others = (
        run(tiny_folders["bert"], tmp_path / mean, method, average=mean, evaluate_every=2) for mean in ("none", *MEANS)
    )
    assert_same(plain.final, plain.trained[9])
    for other in others:
        assert other.losses == plain.losses
        for update, state in plain.trained.items():
            assert_same(other.trained[update], state)


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("average", MEANS)
def test_the_best_state_is_the_mean_as_it_was_evaluated(tiny_folders, tmp_path, average):
    scores = {3: 0.5, 6: 0.9, 9: 0.7}
    done = run(tiny_folders["bert"], tmp_path, "full", None, scores, average=average, keep="best")
    assert done.best_update == 6
    assert_same(done.final, done.evaluated[6])


def test_an_early_end_delivers_the_mean_so_far(tiny_folders, tmp_path):
    scores = {3: 0.9, 6: 0.8}
    done = run(tiny_folders["bert"], tmp_path, "full", None, scores, average="exponential", early_stopping=1)
    assert max(done.trained) == 6
    assert_close(done.final, exponential(done.trained, 6))


# Phases.


@pytest.mark.usefixtures("rows")
def test_parameters_that_train_later_join_with_the_values_that_they_had(tiny_folders, tmp_path):
    done = run(tiny_folders["bert"], tmp_path, "gradual", average="exponential")
    lower = "net.bert.encoder.layer.0.output.dense.weight"
    assert torch.equal(done.evaluated[3][lower], done.trained[0][lower])
    shares = [DECAY ** (9 - i) for i in range(1, 10)]
    started = sum(shares[:3]) / sum(shares) * done.trained[0][lower]
    joined = sum(share * done.trained[i][lower] for i, share in enumerate(shares[3:], 4)) / sum(shares)
    torch.testing.assert_close(done.final[lower], started + joined, rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("average", MEANS)
def test_what_a_phase_freezes_has_its_own_values_of_which_frozen_outputs_are_made(tiny_folders, tmp_path, average):
    done = run(tiny_folders["bert"], tmp_path, "full", there_and_back, average=average, evaluate_every=1)
    for found in (*(done.evaluated[update] for update in (7, 8, 9)), done.final):
        for name, value in found.items():
            if "classifier" not in name:
                assert torch.equal(value, done.trained[6][name]), name
    assert differ(done.evaluated[9], done.trained[9])
    assert differ(done.evaluated[5], done.trained[5]) == (average == "exponential")


def test_a_mean_may_begin_in_a_phase_that_trains_little(tiny_folders, tmp_path):
    def made(module):
        return [Phase(word, partial(only, module, word), share=n) for word, n in (("classifier", 8), ("net.", 1))]

    done = run(tiny_folders["bert"], tmp_path, "full", made, average="epochs")
    assert_close(done.final, mean(done.trained, 6, 9))


# Checkpoints.

STOPS = [
    ("full", "exponential", "best", (1,)),
    ("full", "exponential", "last", (2, 5)),
    ("full", "epochs", "last", (5, 8)),
    ("full", "epochs", "last", (6,)),
    ("gradual", "exponential", "last", (3, 9)),
    ("gradual", "epochs", "best", (4, 7)),
    ("lora", "exponential", "last", (5,)),
]


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(("method", "average", "keep", "stops"), STOPS)
def test_a_stopped_run_ends_as_if_it_had_not_been(tiny_folders, tmp_path, method, average, keep, stops):
    base, fields = tiny_folders["bert"], {"average": average, "average_decay": DECAY, "keep": keep}
    _, expected, _ = train_three_epochs(base, method, tmp_path / "whole", **fields)
    newest = None
    for stop in stops:
        train_three_epochs(base, method, tmp_path / "run", stop_at(stop), newest, **fields)
        newest = checkpoint.latest(tmp_path / "run")
        assert checkpoint.update_of(newest) == stop
    progress, found, _ = train_three_epochs(base, method, tmp_path / "run", None, newest, **fields)
    assert progress.update == LAST
    assert_same(found, expected)


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(("average", "kill"), [("exponential", 3), ("exponential", 4), ("epochs", 8)])
def test_a_killed_run_ends_as_if_it_had_not_been(tiny_folders, tmp_path, average, kill):
    """With R-Drop as well, in phases of which the second begins after update 3."""
    base, fields = tiny_folders["bert"], {"average": average, "checkpoint_every": 1, "r_drop": 0.5, "keep": "last"}
    _, expected, told = train_three_epochs(base, "gradual", tmp_path / "whole", **fields)
    with suppress(KilledError):
        train_three_epochs(base, "gradual", tmp_path / "run", kill_at(kill), **fields)
    newest = checkpoint.latest(tmp_path / "run")
    _, found, record = train_three_epochs(base, "gradual", tmp_path / "run", None, newest, **fields)
    assert record.losses == told.losses[kill - 1 :]
    assert_same(found, expected)


def test_a_checkpoint_has_the_mean_in_a_file_of_its_own_and_without_one_none(tiny_folders, tmp_path):
    for average in ("none", "exponential"):
        fields = {"average": average, "average_decay": DECAY}
        train_three_epochs(tiny_folders["bert"], "full", tmp_path / average, stop_at(4), **fields)
        newest = checkpoint.latest(tmp_path / average)
        state, _ = checkpoint.load(newest)
        assert (newest / "average.safetensors").exists() == (state.average is not None) == (average != "none")
    assert state.average.keys() == state.weights.keys()
    content = (newest / "average.safetensors").read_bytes()
    (newest / "average.safetensors").write_bytes(content[: len(content) // 2])
    assert checkpoint.latest(tmp_path / "exponential") is None


def test_a_skipped_update_keeps_the_mean_finite(tiny_folders, tmp_path):
    pretrained = tiny.prepared(tiny_folders["bert"], Full())
    config = tiny.train_config(epochs=2, average="exponential", average_decay=DECAY)
    job, record = tiny.job(pretrained, tmp_path, config)
    plain = job.losses

    def losses(logits, batch):
        return plain(logits, batch) * (torch.nan if len(record.losses) == 2 else 1.0)

    object.__setattr__(job, "losses", losses)
    assert loop.train(job, tiny.fp32()).n_skipped == 1
    assert all(p.isfinite().all() for p in tiny.state(pretrained.module).values())


@pytest.mark.parametrize("decay", [0.0, 1.0, -0.5, 1.5])
def test_a_decay_out_of_range_is_refused(decay):
    with pytest.raises(InputError, match=r"train\.average_decay must be above 0 and below 1, found"):
        TrainConfig(average_decay=decay)
