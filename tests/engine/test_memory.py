"""Memory that runs out halves what is computed at once, and the update is the same; layers can be computed again."""

import dataclasses
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch

from nlptl.core.errors import TrainingError
from nlptl.engine import checkpoint, loop, memory, update
from nlptl.engine.batching import collate
from nlptl.engine.memory import Peak
from nlptl.methods.adapter import Adapter
from nlptl.methods.full import Full
from nlptl.methods.lora import LoRA
from tests import tiny
from tests.engine.test_resume import assert_same, stop_at

ERRORS = (
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory"),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
)


def train(base, folder, config, room=None, error=ERRORS[0], show=None, newest=None, dropout=0.0):
    """Returns progress, final weights and record of a run whose memory has room for so many tokens at once."""
    pretrained = tiny.prepared(base, Full(), seed=4, dropout=dropout)
    job, record = tiny.job(pretrained, folder, config, show=show, lr=1e-3)

    def losses(logits, batch):
        if room is not None and len(batch.input_ids) > room:
            raise error
        return job.losses(logits, batch)

    progress = loop.train(dataclasses.replace(job, losses=losses), tiny.fp32(), newest)
    return progress, tiny.state(pretrained.module), record


@pytest.mark.parametrize("error", ERRORS, ids=["cpu", "cuda"])
def test_the_run_goes_on_with_half_and_ends_with_the_same_weights(tiny_folders, tmp_path, monkeypatch, error):
    # SGD: AdamW would make a step of the noise where a gradient is zero.
    monkeypatch.setattr(loop.optim, "optimizer", lambda own, *_, **__: torch.optim.SGD(own, lr=0.1, fused=True))
    config = tiny.train_config(epochs=2)
    _, expected, whole = train(tiny_folders["bert"], tmp_path / "a", config)
    progress, found, record = train(tiny_folders["bert"], tmp_path / "b", config, 40, error)
    assert progress.micro_batch_tokens == 32
    halved = [line["micro_batch_tokens"] for line in record.lines if "out_of_memory" in line]
    assert halved == [2048, 1024, 512, 256, 128, 64, 32]
    assert record.losses == pytest.approx(whole.losses, rel=1e-5)
    for name, weight in expected.items():
        torch.testing.assert_close(found[name], weight, rtol=1e-4, atol=1e-5)


def test_memory_that_runs_out_at_the_first_value_of_an_update_is_halved_as_well(tiny_folders, tmp_path, monkeypatch):
    made, n_made = torch.zeros, 0

    def zeros(*given, **named):
        nonlocal n_made
        n_made += 1
        if n_made == 3:  # the first is made with the updates, the second is the first update's
            raise ERRORS[1]
        return made(*given, **named)

    monkeypatch.setattr(update, "torch", SimpleNamespace(**vars(torch) | {"zeros": zeros}))
    _, _, record = train(tiny_folders["bert"], tmp_path, tiny.train_config())
    assert n_made == 5  # three updates, of which one is tried again
    (halved,) = [line for line in record.lines if "out_of_memory" in line]
    assert (halved["update"], halved["micro_batch_tokens"]) == (2, 2048)


def test_a_resumed_run_goes_on_with_what_memory_had_left(tiny_folders, tmp_path):
    base, config = tiny_folders["bert"], tiny.train_config(epochs=2)
    _, expected, _ = train(base, tmp_path / "whole", config, 40, dropout=0.3)
    train(base, tmp_path / "stopped", config, 40, show=stop_at(3), dropout=0.3)
    newest = checkpoint.latest(tmp_path / "stopped")
    _, found, record = train(base, tmp_path / "stopped", config, 40, newest=newest, dropout=0.3)
    assert not [line for line in record.lines if "out_of_memory" in line]
    assert_same(found, expected)


def test_a_row_that_does_not_fit_alone_is_said(tiny_folders, tmp_path):
    with pytest.raises(TrainingError, match=r"update 1: out of memory with a single row of \d+ tokens; .*max_length"):
        train(tiny_folders["bert"], tmp_path, tiny.train_config(), 1)


def test_other_errors_are_not_taken_for_it(tiny_folders, tmp_path):
    with pytest.raises(RuntimeError, match="shapes differ"):
        train(tiny_folders["bert"], tmp_path, tiny.train_config(), 1, RuntimeError("shapes differ"))


@pytest.mark.parametrize(
    "family", ["bert", "roberta", "t5", "distilbert", "electra", "deberta_v2", "modernbert", "gpt2"]
)
@pytest.mark.parametrize(
    "method", [Full(), LoRA(rank=2, dropout=0.2), Adapter(bottleneck=4)], ids=["full", "lora", "adapter"]
)
def test_computing_layers_again_gives_the_same_weights(tiny_folders, tmp_path, family, method):
    def run(again):
        pretrained = tiny.prepared(tiny_folders[family], method, seed=4)
        if again:
            pretrained.module.recompute()
        job, record = tiny.job(pretrained, tmp_path, tiny.train_config(), lr=1e-3)
        loop.train(job, tiny.fp32())
        return tiny.state(pretrained.module), record.losses

    (expected, losses), (found, same) = run(False), run(True)
    assert same == losses
    assert_same(found, expected)


def test_layers_that_are_computed_again_keep_less(tiny_folders, tmp_path):
    def kept(again):
        pretrained = tiny.prepared(tiny_folders["bert"], Full(), dropout=0.0)
        if again:
            pretrained.module.recompute()
        pretrained.module.train()
        job, _ = tiny.job(pretrained, tmp_path)
        n_bytes = 0

        def count(tensor):
            nonlocal n_bytes
            n_bytes += tensor.nbytes
            return tensor

        batch = collate(job.features, np.arange(len(job.features)), torch.device("cpu"))
        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            pretrained.module(batch)
        return n_bytes

    assert kept(True) < kept(False) / 2


# How much a run takes.

CPU = torch.device("cpu")
LARGE_MIB = 200


def take():
    """Takes some memory and gives it back."""
    return float(torch.ones(LARGE_MIB * 2**18).sum())


def peak_of(action):
    with Peak(CPU) as peak:
        action()
        return peak.mib()["peak_mib"]


def wait_until_sampled():
    taken = torch.ones(LARGE_MIB * 2**18)
    time.sleep(4 * memory.SAMPLED_EVERY_S)
    return taken


@pytest.mark.parametrize("status", [memory.STATUS, Path("/nowhere")], ids=["its own peak", "samples alone"])
def test_the_peak_is_that_of_the_block_and_not_of_what_came_before(monkeypatch, status):
    monkeypatch.setattr(memory, "STATUS", status)
    wait_until_sampled()
    memory.give_back()
    small, large = peak_of(lambda: None), peak_of(wait_until_sampled)
    memory.give_back()
    again = peak_of(lambda: None)
    assert large - small > 0.8 * LARGE_MIB
    assert large - again > 0.8 * LARGE_MIB


def test_a_peak_between_two_samples_is_seen_if_it_is_the_processs_highest(monkeypatch):
    if not memory.STATUS.exists():
        pytest.skip("the system does not say it")
    monkeypatch.setattr(memory, "SAMPLED_EVERY_S", 3600)
    before = memory._peak_of_process() / memory.MIB
    unused = before - psutil.Process().memory_info().rss / memory.MIB
    held = torch.ones(max(1, int(unused)) * 2**18)
    assert peak_of(take) - before > 0.5 * LARGE_MIB
    del held


def test_the_sampler_ends_with_the_block_whatever_ends_it():
    with pytest.raises(KeyboardInterrupt), Peak(CPU) as peak:
        raise KeyboardInterrupt
    assert not peak._sampler.is_alive()


def test_without_a_gpu_its_peak_is_unknown():
    with Peak(CPU) as peak:
        assert peak.mib()["gpu_peak_mib"] is None


@pytest.mark.gpu
def test_a_gpus_peak_is_that_of_the_block():
    device = torch.device("cuda")
    torch.ones(LARGE_MIB * 2**18, device=device)
    with Peak(device) as peak:
        torch.ones(2**18, device=device)
        assert 1 <= peak.mib()["gpu_peak_mib"] < LARGE_MIB
