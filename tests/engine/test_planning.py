"""What is computed at once is planned from a measured step and the memory that is free."""

import gc
import types
import weakref

import pytest
import torch

from nlptl.engine import checkpoint, loop, planning
from nlptl.methods.full import Full
from tests import tiny
from tests.engine.test_resume import assert_same, stop_at
from tests.engine.test_resume import train as train_three_epochs

CPU = torch.device("cpu")


def train(base, folder, config, newest=None, show=None):
    pretrained = tiny.prepared(base, Full(), seed=4, dropout=0.3)
    job, record = tiny.job(pretrained, folder, config, show=show, lr=1e-3)
    progress = loop.train(job, tiny.fp32(), newest)
    return progress, tiny.state(pretrained.module), record


def test_what_a_step_keeps_is_counted_once():
    x = torch.ones(10, 4, requires_grad=True)
    assert planning.kept(x.exp, ()) == 160
    assert planning.kept(lambda: (y := x.exp()) * y, ()) == 160  # the product keeps both of its factors: one block
    assert planning.kept(lambda: x + 1, ()) == 0


def test_weights_are_not_counted():
    layer = torch.nn.Linear(4, 1000)
    x = torch.ones(10, 4, requires_grad=True)
    assert planning.kept(lambda: layer(x), layer.parameters()) == 160


def measured():
    """Returns a reference to the weight of a layer that was measured and is gone."""
    layer = torch.nn.Linear(4, 4)
    planning.kept(lambda: layer(torch.ones(10, 4)).exp(), layer.parameters())  # exp keeps its own output
    return weakref.ref(layer.weight)


def test_measuring_keeps_no_weights_alive():
    weight = measured()
    gc.collect()
    assert weight() is None


def test_twice_the_memory_holds_twice_the_tokens(monkeypatch):
    found = []
    for free in (2**20, 2**21):
        monkeypatch.setattr(planning, "free_bytes", lambda device, free=free: free)
        found.append(planning.tokens_that_fit(1000, 10, CPU, 1))
    assert found[1] == pytest.approx(2 * found[0], abs=1)
    assert found[0] * 100 * planning.BEYOND <= 2**20
    assert planning.tokens_that_fit(1000, 10, CPU, 2) == found[0]
    monkeypatch.setattr(planning, "free_bytes", lambda device: 0)
    assert planning.tokens_that_fit(1000, 10, CPU, 1) == 1


LIMITS = [("5000", "2000", 0, 3000), ("5000", "6000", 0, 0), ("max", "1", 0, 9000), ("5000", "5000", 4000, 4000)]


@pytest.mark.parametrize(("limit", "used", "files", "expected"), LIMITS)
def test_a_container_s_limit_counts_and_files_that_the_system_may_drop_do_not(
    tmp_path, monkeypatch, limit, used, files, expected
):
    (tmp_path / "memory.max").write_text(f"{limit}\n")
    (tmp_path / "memory.current").write_text(f"{used}\n")
    (tmp_path / "memory.stat").write_text(f"anon 900\ninactive_file {files - files // 4}\nactive_file {files // 4}\n")
    monkeypatch.setattr(planning, "CGROUP", tmp_path)
    memory = types.SimpleNamespace(available=9000)
    monkeypatch.setattr(planning.psutil, "virtual_memory", lambda: memory)
    assert planning.free_bytes(CPU) == expected
    monkeypatch.setattr(planning, "CGROUP", tmp_path / "none")
    assert planning.free_bytes(CPU) == 9000


@pytest.mark.parametrize(("fraction", "expected"), [(1.0, 600 + 50), (0.5, 500 - 150 + 50), (0.1, 50)])
def test_a_gpu_s_share_that_this_process_may_take_counts(monkeypatch, fraction, expected):
    """Of 1000 bytes 600 are unused, and this process has reserved 150, of which it uses 100."""
    found = {
        "mem_get_info": (600, 1000),
        "memory_reserved": 150,
        "memory_allocated": 100,
        "get_per_process_memory_fraction": fraction,
    }
    for name, value in found.items():
        monkeypatch.setattr(torch.cuda, name, lambda device, value=value: value)
    assert planning.free_bytes(torch.device("cuda")) == expected


def test_where_memory_suffices_nothing_is_changed(tiny_folders, tmp_path):
    progress, _, record = train(tiny_folders["bert"], tmp_path, tiny.train_config())
    assert progress.micro_batch_tokens is None
    assert not [line for line in record.lines if "planned" in line]


def test_where_it_does_not_less_is_computed_at_once_and_a_resumed_run_does_the_same(
    tiny_folders, tmp_path, monkeypatch
):
    base, config = tiny_folders["bert"], tiny.train_config(epochs=2)
    monkeypatch.setattr(planning, "tokens_that_fit", lambda *_: 40)
    progress, expected, record = train(base, tmp_path / "whole", config)
    assert progress.micro_batch_tokens == 40
    assert record.lines[0] == {"update": 0, "planned": True, "micro_batch_tokens": 40}
    with pytest.raises(KeyboardInterrupt):
        train(base, tmp_path / "killed", config, show=killed)
    newest = checkpoint.latest(tmp_path / "killed")
    assert checkpoint.update_of(newest) == 0
    monkeypatch.setattr(planning, "tokens_that_fit", lambda *_: 10_000)  # there is more room now
    progress, found, _ = train(base, tmp_path / "killed", config, newest=newest)
    assert progress.micro_batch_tokens == 40
    assert_same(found, expected)


def killed(facts):
    raise KeyboardInterrupt


@pytest.mark.parametrize(("before", "after"), [(10_000, 40), (40, 10_000)], ids=["less", "more"])
@pytest.mark.parametrize(("method", "stop"), [("full", 2), ("gradual", 4)], ids=["one phase", "second phase"])
def test_a_run_that_finds_other_memory_when_it_is_resumed_keeps_what_its_phase_has_planned(
    tiny_folders, tmp_path, monkeypatch, before, after, method, stop
):
    """What is computed at once changes the last bits of sums; the second phase begins after update 3."""
    base = tiny_folders["bert"]
    monkeypatch.setattr(planning, "tokens_that_fit", lambda *_: before)
    whole, expected, _ = train_three_epochs(base, method, tmp_path / "whole")
    train_three_epochs(base, method, tmp_path / "stopped", stop_at(stop))
    monkeypatch.setattr(planning, "tokens_that_fit", lambda *_: after)
    newest = checkpoint.latest(tmp_path / "stopped")
    progress, found, _ = train_three_epochs(base, method, tmp_path / "stopped", newest=newest)
    assert progress.micro_batch_tokens == whole.micro_batch_tokens
    assert_same(found, expected)


def test_what_is_computed_at_once_changes_bits(tiny_folders, tmp_path, monkeypatch):
    """Else the tests above could not fail."""
    found = []
    for fit in (40, 10_000):
        monkeypatch.setattr(planning, "tokens_that_fit", lambda *_, fit=fit: fit)
        found.append(train_three_epochs(tiny_folders["bert"], "full", tmp_path / str(fit))[1])
    assert any(not torch.equal(found[0][name], found[1][name]) for name in found[0])
