"""Memory that really runs out: the allocator's share of the GPU is cut, and the run goes on with less at once."""

import gc
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace

import pytest
import torch

from nlptl.core.errors import TrainingError
from nlptl.engine import graphs, optim
from nlptl.methods.full import Full
from tests import tiny
from tests.gpu import places

MIB = 2**20
ROOM = 128 * MIB  # a step of the tiny model takes 4 KiB a token, so this holds a part of an update's 100,000
N_ROWS, WORDS = 8192, 50


@contextmanager
def room(n_bytes: int) -> Iterator[None]:
    """While entered, the allocator has so much more than is in use; beyond it fails as on a full GPU."""
    gc.collect()
    torch.cuda.empty_cache()
    most = torch.cuda.memory_reserved() + n_bytes
    torch.cuda.set_per_process_memory_fraction(most / torch.cuda.get_device_properties().total_memory)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


@contextmanager
def full() -> Iterator[None]:
    """While entered, the allocator has a few blocks of 16 KiB."""
    held = []
    with room(0):
        with suppress(torch.OutOfMemoryError):
            while True:
                held.append(torch.empty(2**14, dtype=torch.uint8, device="cuda"))
        del held[-4:]
        yield
        held.clear()


@contextmanager
def anything(n_bytes: int) -> Iterator[None]:
    """Cuts nothing."""
    yield


@pytest.fixture
def cut(device):
    """What cuts memory; on a CPU the losses fail in its place."""
    return room if device.type == "cuda" else anything


@pytest.fixture(autouse=True)
def sgd(monkeypatch):
    """Steps by minus the gradient: AdamW would make a step of the noise where a gradient is zero."""
    monkeypatch.setattr(optim, "optimizer", lambda own, *_, **__: torch.optim.SGD(own, lr=0.1, fused=True))


def short_of(n_tokens):
    """Returns what makes a job's losses fail if more tokens are computed at once."""

    def edit(job):
        def losses(logits, batch):
            if len(batch.input_ids) > n_tokens:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            return job.losses(logits, batch)

        return replace(job, losses=losses)

    return edit


@pytest.mark.parametrize("device", places.EITHER)
def test_a_run_that_runs_out_of_memory_goes_on_with_less_and_ends_with_the_same_weights(
    device, cut, tiny_folders, tmp_path
):
    gpu = device.type == "cuda"
    n_rows = N_ROWS if gpu else 24
    given = {"rows": tiny.examples(n_rows, longest=WORDS), "batch_size": n_rows // 2, "epochs": 2, "dropout": 0.0}
    given |= {"compute": places.compute("fp32"), "micro_batch_tokens": 10**6, "max_grad_norm": 0.0}
    whole = places.train(tiny_folders["bert"], Full(), tmp_path / "a", **given)
    edit = {} if gpu else {"edit": short_of(200)}
    with cut(ROOM):
        found = places.train(tiny_folders["bert"], Full(), tmp_path / "b", **given, **edit)
    lines = [line["micro_batch_tokens"] for line in found.record.lines if "out_of_memory" in line]
    assert lines == [10**6 // 2**n for n in range(1, len(lines) + 1)]
    assert lines
    assert found.progress.micro_batch_tokens == lines[-1]
    assert not [line for line in whole.record.lines if "out_of_memory" in line]
    assert found.record.losses == pytest.approx(whole.record.losses, rel=1e-4)
    assert places.error_of(found.moved, whole.moved) < 1e-3


@pytest.mark.gpu
def test_a_row_that_does_not_fit_alone_is_said(long_folder, tmp_path):
    with ExitStack() as stack, pytest.raises(TrainingError, match=r"update 1: out of memory with a single row of \d+"):

        def fill(job):  # once the model is there
            stack.enter_context(full())
            return job

        rows = tiny.examples(2, longest=250)
        places.train(long_folder, Full(), tmp_path, compute=places.compute("fp32"), rows=rows, batch_size=1, edit=fill)


@pytest.mark.gpu
def test_a_recording_that_runs_out_of_memory_is_given_up_and_the_run_ends_alike(tiny_folders, tmp_path, monkeypatch):
    given = {"compute": places.compute("bf16"), "rows": tiny.examples(64, longest=WORDS), "batch_size": 64}
    given |= {"epochs": 4, "dropout": 0.0, "lr": 0.1}
    plain = places.train(tiny_folders["bert"], Full(), tmp_path / "a", **given)
    record, tried = graphs.Recorder.record, []

    def in_a_small_room(self, run):
        def too_much():
            tried.append(True)
            torch.empty(2**34, device="cuda")  # 64 GiB within the recording
            return run()

        with room(ROOM):
            return record(self, too_much)

    monkeypatch.setattr(graphs.Recorder, "record", in_a_small_room)
    found = places.train(tiny_folders["bert"], Full(), tmp_path / "b", cuda_graph=True, **given)
    assert len(tried) == 1
    assert [line["cuda_graph"] for line in found.record.lines if "out_of_memory" in line] == [False]
    assert found.record.losses == pytest.approx(plain.record.losses, rel=2e-2)
    assert places.error_of(found.moved, plain.moved) < 0.1
