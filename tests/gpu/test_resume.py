"""Stopped and resumed is bit for bit the same as never stopped, with dropout, on the device itself."""

import pytest
import torch

from nlptl.engine import checkpoint
from nlptl.methods.adapter import Adapter
from nlptl.methods.full import Full
from nlptl.methods.lora import LoRA
from nlptl.methods.partial import Partial
from tests import tiny
from tests.engine.test_resume import assert_same, stop_at
from tests.gpu import places
from tests.gpu.places import CPU, CUDA, place

METHODS = {
    "full": Full(),
    "partial": Partial(layers="last:1"),
    "lora": LoRA(rank=2, dropout=0.2),
    "adapter": Adapter(bottleneck=4, dropout=0.2),
}
CASES = [place(CPU, "bf16", "bert", "lora")]
CASES += [place(CUDA, precision, "bert", method) for precision in ("fp32", "bf16") for method in METHODS]
CASES += [place(CUDA, "bf16", family, "full") for family in ("roberta", "t5", "distilbert", "modernbert")]


def runs(base, method, folder, precision, **given):
    """Returns a run of nine updates, and one that was stopped after four and went on."""
    given = {"compute": places.compute(precision), "epochs": 3, "schedule": "linear", "dropout": 0.1} | given
    whole = places.train(base, METHODS[method], folder / "whole", **given)
    places.train(base, METHODS[method], folder / "stopped", show=stop_at(4), **given)
    newest = checkpoint.latest(folder / "stopped")
    assert checkpoint.update_of(newest) == 4
    torch.rand(7)  # the global random state must not matter
    return whole, places.train(base, METHODS[method], folder / "stopped", newest=newest, **given)


@pytest.mark.parametrize(("device", "precision", "family", "method"), CASES)
def test_a_resumed_run_ends_with_the_same_bits(device, precision, family, method, tiny_folders, tmp_path):
    whole, resumed = runs(tiny_folders[family], method, tmp_path, precision)
    assert resumed.record.losses == whole.record.losses[4:]
    assert_same(resumed.after, whole.after)
    assert whole.moved.norm() > 0.01


@pytest.mark.parametrize(("device", "precision"), [place(CPU, "fp32"), *(place(CUDA, p) for p in ("fp32", "bf16"))])
def test_rows_longer_than_a_kernel_s_block_resume_with_the_same_bits(device, precision, long_folder, tmp_path):
    rows = tiny.examples(9, longest=250)  # of more blocks, kernels may add up in whatever order they end
    whole, resumed = runs(long_folder, "full", tmp_path, precision, rows=rows, batch_size=3)
    assert max(map(len, (row.text.split() for row in rows))) > 200
    assert resumed.record.losses == whole.record.losses[4:]
    assert_same(resumed.after, whole.after)
