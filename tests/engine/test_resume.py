"""Stopped and resumed is the same as never stopped, bit for bit, with dropout on."""

import json
import shutil
import signal
from functools import cache
from pathlib import Path

import pytest
import torch

from nlptl.core.callbacks import Facts
from nlptl.core.errors import InputError, TrainingError
from nlptl.engine import checkpoint, loop
from nlptl.engine.interrupt import Interrupt, Interrupted, interruptible
from nlptl.methods.adapter import Adapter
from nlptl.methods.full import Full
from nlptl.methods.lora import LoRA
from nlptl.methods.partial import Partial
from tests import tiny

METHODS = {
    "full": Full(),
    "gradual": Full(unfreeze="gradual"),
    "partial": Partial(layers="last:1"),
    "lora": LoRA(rank=2, dropout=0.2),
    "lora above a frozen layer": LoRA(rank=2, dropout=0.2, layers="last:1"),
    "adapter": Adapter(bottleneck=4, dropout=0.2),
}
STOPS = (("best", (1,)), ("best", (4,)), ("last", (2, 5)), ("best", (8,)))
CASES = [("bert", m, keep, stops) for m in METHODS for keep, stops in STOPS]
CASES += [("bert", "gradual", "best", (3,)), ("bert", "gradual", "best", (2, 3, 6))]  # its second phase begins after 3
CASES += [(f, m, "best", (2, 7)) for f, m in (("roberta", "full"), ("t5", "full"), ("t5", "lora"))]
LAST = 9  # updates in three epochs


def stop_at(*updates: int):
    """Returns a callback that presses Ctrl-C in these updates."""
    return lambda facts: signal.raise_signal(signal.SIGINT) if facts.update in updates else None


class KilledError(Exception):
    """Ends a run where it stands, as a kill would."""


def kill_at(at: int):
    def show(facts: Facts) -> None:
        if facts.update == at:
            raise KilledError

    return show


def train(base: Path, method: str, folder: Path, show=None, newest: Path | None = None, **fields):
    """Returns the progress, the final weights and the record of three epochs with a best state in the middle."""
    pretrained = tiny.prepared(base, METHODS[method], seed=4)
    scores = {3: 0.5, 6: 0.8, 9: 0.6}
    reached = [checkpoint.update_of(newest) if newest else 0]

    def shown(facts: Facts) -> None:
        reached[0] = facts.update
        if show:
            show(facts)

    config = tiny.train_config(**{"epochs": 3, "schedule": "linear", "seed": 11} | fields)
    job, record = tiny.job(
        pretrained,
        folder,
        config,
        evaluate=lambda: {"accuracy": scores[reached[0]]},
        show=shown,
        class_weights="balanced",
        phases=tiny.phases(METHODS[method], pretrained, config.epochs),
    )
    torch.manual_seed(len(str(folder)))  # the global random state must not matter
    progress = loop.train(job, tiny.fp32(), newest)
    return progress, tiny.state(pretrained.module), record


@pytest.fixture(scope="module")
def whole(tiny_folders, tmp_path_factory):
    """Returns what `train` does for a run that is never stopped; each is trained once."""
    return cache(
        lambda family, method, keep="best": train(tiny_folders[family], method, aside(tmp_path_factory), keep=keep)
    )


def aside(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("whole") / "checkpoints"


def assert_same(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert found.keys() == expected.keys()
    assert [name for name in found if not torch.equal(found[name], expected[name])] == []


@pytest.mark.parametrize(("family", "method", "keep", "stops"), CASES)
def test_a_run_stopped_by_ctrl_c_ends_as_if_it_had_not_been(tiny_folders, tmp_path, whole, family, method, keep, stops):
    base = tiny_folders[family]
    done, expected, _ = whole(family, method, keep)
    newest, folder = None, tmp_path / "stopped"
    for stop in stops:
        progress, _, _ = train(base, method, folder, stop_at(stop), newest, keep=keep)
        newest = checkpoint.latest(folder)
        assert (progress.update, progress.finished) == (stop, False)
        assert newest == folder / f"update-{stop:08d}"
        assert newest.name in [p.name for p in folder.iterdir()]
    progress, found, record = train(base, method, folder, None, newest, keep=keep)
    assert len(record.losses) == LAST - stops[-1]
    assert (progress.update, progress.finished, progress.n_examples) == (LAST, True, done.n_examples)
    assert (progress.best_update, progress.best_score) == (done.best_update, done.best_score) == (6, 0.8)
    assert_same(found, expected)


@pytest.mark.parametrize("at", [5, 6, 7])
def test_a_killed_run_goes_on_from_its_last_checkpoint(tiny_folders, tmp_path, whole, at):
    _, expected, told = whole("bert", "full")
    folder = tmp_path / "killed"
    with pytest.raises(KilledError):
        train(tiny_folders["bert"], "full", folder, kill_at(at), checkpoint_every=2)
    newest = checkpoint.latest(folder)
    assert checkpoint.update_of(newest) == 2 * ((at - 1) // 2)
    _, found, record = train(tiny_folders["bert"], "full", folder, None, newest, checkpoint_every=2)
    assert record.losses == told.losses[checkpoint.update_of(newest) :]
    assert_same(found, expected)


def test_the_same_checkpoint_can_be_resumed_twice(tiny_folders, tmp_path):
    base, folder = tiny_folders["roberta"], tmp_path / "stopped"
    train(base, "full", folder, stop_at(4))
    copy = shutil.copytree(folder, tmp_path / "copy")
    first = train(base, "full", folder, None, checkpoint.latest(folder))[1]
    second = train(base, "full", copy, None, checkpoint.latest(copy))[1]
    assert_same(second, first)


def test_stopping_before_anything_new_is_done_keeps_the_checkpoint(tiny_folders, tmp_path, whole):
    base, folder = tiny_folders["bert"], tmp_path / "stopped"
    _, expected, _ = whole("bert", "full")
    train(base, "full", folder, stop_at(4))
    newest = checkpoint.latest(folder)
    checkpoint.save(newest, *checkpoint.load(newest))
    assert_same(train(base, "full", folder, None, newest)[1], expected)


def test_different_seeds_give_different_weights(tiny_folders, tmp_path):
    """Else the tests above could not fail."""
    _, one, _ = train(tiny_folders["bert"], "full", tmp_path, seed=1)
    _, two, _ = train(tiny_folders["bert"], "full", tmp_path, seed=2)
    assert all(not torch.equal(one[name], two[name]) for name in one)


# Checkpoint folders.


def stopped(tiny_folders, tmp_path) -> Path:
    train(tiny_folders["bert"], "full", tmp_path / "checkpoints", stop_at(4))
    return checkpoint.latest(tmp_path / "checkpoints")


def test_a_checkpoint_holds_safetensors_and_json_only(tiny_folders, tmp_path):
    names = {path.name for path in stopped(tiny_folders, tmp_path).iterdir()}
    assert names == {"trained.safetensors", "best.safetensors", "optimizer.safetensors", "progress.json", "sha256.json"}


def test_a_checkpoint_that_was_not_written_to_its_end_is_ignored(tiny_folders, tmp_path):
    whole = stopped(tiny_folders, tmp_path)
    partial = shutil.copytree(whole, whole.with_name("update-00000008.partial"))
    (partial / "trained.safetensors").write_bytes(b"half")
    (whole.with_name("update-00000009")).mkdir()
    assert checkpoint.latest(whole.parent) == whole


def test_an_unfinished_checkpoint_is_written_over_and_cleared(tiny_folders, tmp_path):
    whole = stopped(tiny_folders, tmp_path)
    (whole.with_name("update-00000008.partial")).mkdir()
    (whole.with_name("update-00000008.partial") / "garbage").write_text("x")
    train(tiny_folders["bert"], "full", whole.parent, stop_at(8), whole)
    assert names_in(whole.parent) == ["update-00000004", "update-00000008"]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(("seconds", "names"), [(0.0, ["update-00000004", "update-00000005"]), (60.0, [])])
def test_where_no_interval_is_given_time_decides(tiny_folders, tmp_path, monkeypatch, seconds, names):
    monkeypatch.setattr(loop, "CHECKPOINT_S", seconds)
    monkeypatch.setattr(loop, "CHECKPOINT_TIMES", 0)
    with pytest.raises(KilledError):
        train(tiny_folders["bert"], "full", tmp_path / "run", kill_at(6))
    assert (names_in(tmp_path / "run") if names else list(tmp_path.iterdir())) == names


@pytest.mark.parametrize("n_kept", [1, 2, 3])
def test_the_newest_checkpoints_are_kept(tiny_folders, tmp_path, n_kept):
    fields = {"checkpoint_every": 1, "keep_checkpoints": n_kept}
    with pytest.raises(KilledError):
        train(tiny_folders["bert"], "full", tmp_path, kill_at(6), **fields)
    assert names_in(tmp_path) == [f"update-{update:08d}" for update in range(6 - n_kept, 6)]


def test_a_checkpoint_that_cannot_be_written_leaves_those_before(tiny_folders, tmp_path, monkeypatch):
    def full(tensors, path):
        raise OSError(28, "No space left on device")

    newest = stopped(tiny_folders, tmp_path)
    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(TrainingError, match=r"update-00000008 cannot be written: .*No space left on device"):
        train(tiny_folders["bert"], "full", newest.parent, stop_at(8), newest)
    assert names_in(newest.parent) == [newest.name]
    assert checkpoint.damage(newest) is None


@pytest.fixture(scope="module")
def killed(tiny_folders, tmp_path_factory) -> Path:
    """The checkpoints of a run that was killed in update 7; copy them to change them."""
    folder = aside(tmp_path_factory)
    with pytest.raises(KilledError):
        train(tiny_folders["bert"], "full", folder, kill_at(7), checkpoint_every=2)
    return folder


@pytest.mark.parametrize("name", ["trained.safetensors", "optimizer.safetensors", "best.safetensors", "progress.json"])
@pytest.mark.parametrize("fault", ["a bit", "cut", "gone"])
def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before_and_says_so(
    tiny_folders, tmp_path, whole, killed, name, fault
):
    base, folder, fields = tiny_folders["bert"], shutil.copytree(killed, tmp_path / "run"), {"checkpoint_every": 2}
    _, expected, _ = whole("bert", "full")
    spoil(folder / "update-00000006" / name, fault)
    said: list[str] = []
    newest = checkpoint.latest(folder, said.append)
    assert newest == folder / "update-00000004"
    assert len(said) == 1
    assert "update-00000006 is damaged" in said[0]
    assert name in said[0]
    assert_same(train(base, "full", folder, None, newest, **fields)[1], expected)


def spoil(path: Path, fault: str) -> None:
    """Changes one bit in the middle of a file, cuts it, or removes it."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    if fault == "gone":
        path.unlink()
    else:
        path.write_bytes(content if fault == "a bit" else content[: len(content) // 2])


def test_where_all_checkpoints_are_damaged_there_is_none(tiny_folders, tmp_path):
    newest = stopped(tiny_folders, tmp_path)
    spoil(newest / "sha256.json", "cut")
    assert checkpoint.latest(newest.parent) is None
    assert names_in(newest.parent) == []


def test_the_newest_checkpoint_is_the_one_with_most_updates(tiny_folders, tmp_path):
    whole = stopped(tiny_folders, tmp_path)
    for update in (9, 10, 2):
        shutil.copytree(whole, tmp_path / "copies" / f"update-{update:08d}")
    assert checkpoint.update_of(checkpoint.latest(tmp_path / "copies")) == 10


def test_there_is_no_newest_checkpoint_in_an_empty_or_missing_folder(tmp_path):
    assert checkpoint.latest(tmp_path) is None
    assert checkpoint.latest(tmp_path / "missing") is None


def test_a_checkpoint_of_other_parameters_is_refused(tiny_folders, tmp_path):
    newest = stopped(tiny_folders, tmp_path)
    with pytest.raises(InputError, match=r"the checkpoint holds other parameters than this run trains, for example \["):
        train(tiny_folders["bert"], "lora", tmp_path, None, newest)


@pytest.mark.parametrize("name", ["trained.safetensors", "optimizer.safetensors", "best.safetensors", "progress.json"])
def test_a_damaged_checkpoint_is_refused_by_name(tiny_folders, tmp_path, name):
    newest = stopped(tiny_folders, tmp_path)
    content = (newest / name).read_bytes()
    (newest / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="update-00000004"):
        train(tiny_folders["bert"], "full", tmp_path, None, newest)


def test_progress_is_plain_json(tiny_folders, tmp_path):
    progress = json.loads((stopped(tiny_folders, tmp_path) / "progress.json").read_text())
    assert (progress["update"], progress["best_update"], progress["finished"]) == (4, 3, False)
    assert progress["validation"] == {"accuracy": 0.5}


# Ctrl-C.


def test_the_second_ctrl_c_ends_at_once():
    with pytest.raises(KeyboardInterrupt), Interrupt() as interrupt:
        signal.raise_signal(signal.SIGINT)
        assert interrupt.signal == "SIGINT"
        signal.raise_signal(signal.SIGINT)


def test_a_schedulers_second_sigterm_still_leaves_time_to_write_the_checkpoint():
    with Interrupt() as interrupt:
        assert not interrupt.requested
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert interrupt.requested
        assert interrupt.signal == "SIGTERM"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_given_back_afterwards(tiny_folders, tmp_path, number):
    before = signal.getsignal(number)
    train(tiny_folders["bert"], "full", tmp_path, stop_at(1))
    assert signal.getsignal(number) is before


def test_ctrl_c_in_the_last_update_stops_the_run_with_all_training_in_its_checkpoint(tiny_folders, tmp_path):
    progress, _, _ = train(tiny_folders["bert"], "full", tmp_path / "run", stop_at(LAST))
    assert (progress.finished, progress.stopped_by) == (True, "SIGINT")
    newest = checkpoint.latest(tmp_path / "run")
    assert newest == tmp_path / "run" / f"update-{LAST:08d}"
    progress, _, record = train(tiny_folders["bert"], "full", tmp_path / "run", None, newest)
    assert (progress.finished, progress.stopped_by, record.losses) == (True, None, [])


def test_a_signal_after_the_last_look_at_it_is_not_lost():
    with pytest.raises(Interrupted) as ended, interruptible() as came, Interrupt() as interrupt:
        assert not interrupt.requested
        signal.raise_signal(signal.SIGTERM)
    assert ended.value.signal == signal.SIGTERM
    assert came == [signal.SIGTERM]


@pytest.mark.parametrize(("seconds", "names"), [(0.0, [f"update-{LAST:08d}"]), (30.0, [])])
def test_training_that_took_long_is_kept_until_it_is_evaluated_and_saved(
    tiny_folders, tmp_path, monkeypatch, seconds, names
):
    monkeypatch.setattr(loop, "END_S", seconds)
    monkeypatch.setattr(loop, "CHECKPOINT_TIMES", 0)
    train(tiny_folders["bert"], "full", tmp_path / "run", None)
    assert (names_in(tmp_path / "run") if names else list(tmp_path.iterdir())) == names
