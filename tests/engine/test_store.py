"""What frozen layers computed is found again, by whoever has the same model and data, unless it was damaged."""

import errno
import json
import multiprocessing
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nlptl import LoRA, Partial, Probe
from nlptl.core.config import TrainConfig
from nlptl.engine import store
from nlptl.engine.prefix import Prefix, Prefixes
from nlptl.engine.store import Store
from tests import tiny

SHAPE = (6, 4)
MIB = 2**-10  # in GiB


class Values:
    """Fills entries with a number, and counts how often."""

    def __init__(self, value: float = 1.0) -> None:
        self.value, self.n_made = value, 0

    def __call__(self, states: torch.Tensor) -> None:
        self.n_made += 1
        states.fill_(self.value)


def get(kept: Store, fill: Values, key: str = "a", shape=SHAPE, dtype=torch.float32):
    return kept.get(lambda: key, shape, dtype, fill)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_an_entry_is_made_once_and_found_by_another_store(tmp_path, dtype):
    fill = Values()
    first = get(Store(1.0, tmp_path), fill, dtype=dtype)
    again = get(Store(1.0, tmp_path), fill, dtype=dtype)
    assert fill.n_made == 1
    assert torch.equal(first, again)
    assert again.dtype == dtype
    assert torch.equal(again, torch.ones(SHAPE, dtype=dtype))


def test_another_key_is_another_entry(tmp_path):
    kept = Store(1.0, tmp_path)
    assert get(kept, Values(1.0)).sum() == 24
    assert get(kept, Values(2.0), key="b").sum() == 48


@pytest.mark.parametrize("damage", ["values", "short", "missing", "description", "no sha256"])
def test_a_damaged_entry_is_said_and_made_again(tmp_path, caplog, damage):
    fill = Values()
    get(Store(1.0, tmp_path), fill)
    states, description = tmp_path / "a" / store.STATES, tmp_path / "a" / store.DESCRIPTION
    whole = states.read_bytes()
    if damage == "values":
        states.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    elif damage == "short":
        states.write_bytes(whole[:-1])
    elif damage == "missing":
        states.unlink()
    elif damage == "description":
        description.write_text("{", encoding="utf-8")
    else:
        description.write_text("{}", encoding="utf-8")
    assert torch.equal(get(Store(1.0, tmp_path), fill), torch.ones(SHAPE))
    assert fill.n_made == 2
    assert "is damaged: it is computed again" in caplog.text
    assert states.read_bytes() == whole


def test_an_entry_left_unfinished_by_a_kill_is_made_from_the_start(tmp_path):
    left = tmp_path / f"a{store.UNFINISHED}"
    left.mkdir()
    (left / store.STATES).write_bytes(b"12")
    assert torch.equal(get(Store(1.0, tmp_path), Values()), torch.ones(SHAPE))
    assert not left.exists()


def test_an_entry_larger_than_the_store_is_not_made(tmp_path):
    fill = Values()
    assert get(Store(MIB, tmp_path), fill, shape=(2**10, 2**10)) is None
    assert fill.n_made == 0
    assert get(Store(4 * MIB, tmp_path), fill, shape=(2**10, 2**10)) is not None


def test_the_entry_unused_for_longest_makes_room(tmp_path):
    kept = Store(2.5 * MIB, tmp_path)
    for i, key in enumerate("abc"):
        get(kept, Values(), key, shape=(2**8, 2**10))
        for name in "abc"[: i + 1]:
            if (tmp_path / name).exists():
                os.utime(
                    tmp_path / name / store.DESCRIPTION, (100 if name == "b" else 200, 100 if name == "b" else 200)
                )
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"a", "c"}


def test_a_run_keeps_what_it_reads_when_another_takes_the_room(tmp_path):
    kept = Store(1.5 * MIB, tmp_path)
    first = get(kept, Values(1.0), shape=(2**8, 2**10))
    get(kept, Values(2.0), "b", shape=(2**8, 2**10))
    assert not (tmp_path / "a").exists()
    assert torch.equal(first, torch.ones(2**8, 2**10))


def test_a_full_disk_is_said_and_the_values_stay_in_memory(tmp_path, caplog, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert torch.equal(get(Store(1.0, tmp_path), Values()), torch.ones(SHAPE))
    assert "No space left on device" in caplog.text
    assert "kept in memory" in caplog.text
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_without_posix_fallocate_the_space_is_taken_all_the_same(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    monkeypatch.setattr(store, "BLOCK", 40)
    taken = []

    def fill(states):
        taken.append(next(tmp_path.glob(f"*/{store.STATES}")).stat())
        states.fill_(1.0)

    for key in ("a", "b"):
        assert torch.equal(get(Store(1.0, tmp_path), fill, key), torch.ones(SHAPE))
    assert [found.st_size for found in taken] == [96, 96]
    assert all(found.st_blocks for found in taken)


def test_without_posix_fallocate_a_full_disk_is_said_too(tmp_path, caplog, monkeypatch):
    resource = pytest.importorskip("resource")
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50, before[1]))
    try:
        found = get(Store(1.0, tmp_path), Values())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert torch.equal(found, torch.ones(SHAPE))
    assert "kept in memory" in caplog.text


@pytest.mark.parametrize("error", [OSError(errno.ENOLCK, "No locks available"), NotImplementedError("no flock")])
def test_where_there_are_no_locks_the_values_stay_in_memory(tmp_path, caplog, monkeypatch, error):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(store.FileLock, "acquire", refuse)
    assert torch.equal(get(Store(1.0, tmp_path), Values()), torch.ones(SHAPE))
    assert "kept in memory" in caplog.text


def test_a_folder_that_is_a_file_is_said_and_the_values_stay_in_memory(tmp_path, caplog):
    (tmp_path / "cache").write_text("")
    assert torch.equal(get(Store(1.0, tmp_path / "cache"), Values()), torch.ones(SHAPE))
    assert "kept in memory" in caplog.text


def _slowly(folder, made):
    def fill(states):
        made.put(os.getpid())
        states.fill_(3.0)

    found = Store(1.0, folder).get(lambda: "a", SHAPE, torch.float32, fill)
    made.put(float(found.sum()))


def test_of_two_processes_that_want_the_same_one_makes_it(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    made = spawn.Queue()
    processes = [spawn.Process(target=_slowly, args=(tmp_path, made)) for _ in range(2)]
    for process in processes:
        process.start()
    answers = [made.get(timeout=120) for _ in range(3)]
    for process in processes:
        process.join(timeout=60)
    assert sorted(isinstance(answer, int) for answer in answers) == [False, False, True]
    assert [answer for answer in answers if isinstance(answer, float)] == [72.0, 72.0]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"NLPTL_CACHE": "/a/b", "XDG_CACHE_HOME": "/c"}, "/a/b"),
        ({"XDG_CACHE_HOME": "/c"}, "/c/nlptl"),
        ({"HOME": "/home/ann"}, "/home/ann/.cache/nlptl"),
    ],
)
def test_the_cache_lies_where_the_user_wants_it(monkeypatch, variables, expected):
    for name in ("NLPTL_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert store.default_folder() == Path(expected)


def test_without_a_home_the_cache_is_a_temporary_folder(monkeypatch):
    for name in ("NLPTL_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)

    def nobody(path):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", nobody)
    assert store.default_folder() == Path(tempfile.gettempdir()) / "nlptl"


# The prefix in it.


def counted(pretrained, folder, features=None, **fields):
    """Returns the prefix, and how often the model computed anything for it."""
    calls = []
    found = pretrained.module.prefix
    pretrained.module.prefix = lambda *given: calls.append(1) or found(*given)
    features = tiny.features(pretrained) if features is None else features
    prefixes = Prefixes(pretrained.module, TrainConfig(cache_dir=str(folder), **fields))
    return prefixes.of(features, tiny.fp32()), len(calls)


@pytest.mark.parametrize("method", [Probe(), Partial(layers="last:1"), LoRA(layers="last:1")])
def test_another_run_on_the_same_model_and_data_computes_nothing(tiny_folders, tmp_path, method):
    first, n_calls = counted(tiny.prepared(tiny_folders["bert"], method, "mean"), tmp_path)
    assert n_calls > 0
    second, n_calls = counted(tiny.prepared(tiny_folders["bert"], method, "mean"), tmp_path)
    assert n_calls == 0
    assert torch.equal(first.vectors, second.vectors)


def test_methods_that_freeze_the_same_layers_share_them(tiny_folders, tmp_path):
    _, n_calls = counted(tiny.prepared(tiny_folders["bert"], Partial(layers="last:1"), "mean"), tmp_path)
    assert n_calls > 0
    _, n_calls = counted(tiny.prepared(tiny_folders["bert"], LoRA(layers="last:1"), "mean"), tmp_path)
    assert n_calls == 0


@pytest.mark.parametrize("changed", ["weights", "text", "cut", "pooling", "dropout"])
def test_what_decides_the_outputs_decides_the_entry(tiny_folders, tmp_path, changed):
    folder = tiny_folders["bert"]
    counted(tiny.prepared(folder, Probe(), "mean"), tmp_path)
    pretrained = tiny.prepared(folder, Probe(), "mean")
    features = None
    if changed == "weights":
        with torch.no_grad():
            next(pretrained.module.backbone.encoder.layer[1].parameters())[0] += 1e-3
    elif changed == "text":
        features = tiny.features(pretrained)
        features.input_ids[3] += 1
    elif changed == "cut":
        pretrained = tiny.prepared(folder, Partial(layers="last:1"), "mean")
    elif changed == "pooling":
        pretrained = tiny.prepared(folder, Probe(), "cls")
    else:
        pretrained = tiny.prepared(folder, Probe(), "mean", dropout=0.3)
    _, n_calls = counted(pretrained, tmp_path, features)
    assert (n_calls == 0) == (changed == "dropout")  # frozen layers drop nothing


def test_what_the_store_does_not_hold_is_computed_again_each_time_and_equal(tiny_folders, tmp_path, caplog):
    pretrained = tiny.prepared(tiny_folders["bert"], Partial(layers="last:1"), "mean")
    kept, _ = counted(pretrained, tmp_path)
    again, _ = counted(pretrained, tmp_path, cache_gib=1e-6)
    assert caplog.text.count("more than train.cache_gib") == 1
    rows = np.arange(24)[np.argsort(tiny.features(pretrained).lengths, kind="stable")]
    assert torch.equal(kept.batch(rows)[0].states, again.batch(rows)[0].states)


def test_nothing_is_kept_where_no_space_is_given(tiny_folders, tmp_path, caplog):
    pretrained = tiny.prepared(tiny_folders["bert"], Probe(), "mean")
    prefix, _ = counted(pretrained, tmp_path, cache_gib=0)
    assert prefix.vectors.shape == (24, 32)
    assert not list(tmp_path.iterdir())
    assert not caplog.text


def test_per_token_outputs_are_kept_in_bf16_where_training_computes_in_it(tiny_folders, tmp_path):
    pretrained = tiny.prepared(tiny_folders["bert"], Partial(layers="last:1"), "mean")
    features = tiny.features(pretrained)
    bf16 = replace(tiny.fp32(), bf16=True)
    prefix = Prefix(pretrained.module, features, bf16, Store(1.0, tmp_path))
    assert prefix.vectors.dtype == torch.bfloat16
    found = json.loads(next(tmp_path.glob(f"*/{store.DESCRIPTION}")).read_text())
    assert found["dtype"] == "torch.bfloat16"
    probe = tiny.prepared(tiny_folders["bert"], Probe(), "mean")
    assert Prefix(probe.module, features, bf16, Store(1.0, tmp_path)).vectors.dtype == torch.float32
