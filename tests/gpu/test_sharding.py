"""What is trained, divided over one process (FSDP2): the same run as undivided."""

from dataclasses import replace

import pytest
import torch

from nlptl.engine import checkpoint, optim
from nlptl.engine.sharding import Sharding
from nlptl.methods.full import Full
from nlptl.methods.lora import LoRA
from nlptl.methods.partial import Partial
from tests.engine.test_resume import stop_at
from tests.gpu import places
from tests.gpu.places import CPU, CUDA, place

METHODS = {"full": Full(), "lora": LoRA(rank=2, dropout=0.0), "partial": Partial(layers="last:1")}
# Of T5's layers; nothing is done in place to what they return.
pytestmark = pytest.mark.filterwarnings("ignore:FSDP2-wrapped module .* returned a view tensor:UserWarning")
CASES = [place(CPU, "fp32", "bert", "full", True)]
CASES += [
    place(CUDA, precision, family, method, stage_3)
    for family, method, precision, stage_3 in (
        ("bert", "full", "fp32", True),
        ("bert", "full", "bf16", True),
        ("bert", "full", "bf16", False),
        ("bert", "lora", "bf16", True),
        ("bert", "partial", "bf16", True),
        ("t5", "full", "bf16", True),
        ("modernbert", "full", "bf16", False),
    )
]
MOST_ERROR = {"fp32": 1e-3, "bf16": 0.1}


@pytest.fixture
def group(device):
    """A process group of this process alone."""
    given = {"device_id": torch.device("cuda", 0)} if device.type == "cuda" else {}
    backend = "nccl" if device.type == "cuda" else "gloo"
    places.compute("fp32")  # accelerate sees no group, and one process
    torch.distributed.init_process_group(backend, store=torch.distributed.HashStore(), rank=0, world_size=1, **given)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.usefixtures("group")
@pytest.mark.parametrize(("device", "precision", "family", "method", "stage_3"), CASES)
def test_a_divided_run_is_the_undivided_one_and_resumes(
    device, precision, family, method, stage_3, tiny_folders, tmp_path, monkeypatch
):
    monkeypatch.setattr(optim, "optimizer", lambda own, *_, **__: torch.optim.SGD(own, lr=0.1, foreach=False))
    whole = places.compute(precision)
    divided = replace(whole, sharding=Sharding(reshard_after_forward=stage_3))
    given = {"epochs": 3, "dropout": 0.0, "max_grad_norm": 0.0}
    base, own = tiny_folders[family], METHODS[method]
    expected = places.train(base, own, tmp_path / "a", compute=whole, **given)
    found = places.train(base, own, tmp_path / "b", compute=divided, **given)
    assert found.record.losses == pytest.approx(expected.record.losses, rel=MOST_ERROR[precision] / 2)
    assert places.error_of(found.moved, expected.moved) < MOST_ERROR[precision]
    places.train(base, own, tmp_path / "c", compute=divided, show=stop_at(4), **given)
    newest = checkpoint.latest(tmp_path / "c")
    rest = places.train(base, own, tmp_path / "c", compute=divided, newest=newest, **given)
    assert rest.record.losses == pytest.approx(found.record.losses[4:], rel=1e-3)


@pytest.mark.usefixtures("group")
@pytest.mark.parametrize("device", places.EITHER)
def test_adamw_steps_divided_as_undivided(device, tiny_folders, tmp_path):
    whole = places.compute("fp32")
    runs = [
        places.train(tiny_folders["bert"], Full(), tmp_path / str(i), compute=compute, epochs=3, dropout=0.0)
        for i, compute in enumerate((whole, replace(whole, sharding=Sharding(reshard_after_forward=True))))
    ]
    assert runs[1].record.losses == pytest.approx(runs[0].record.losses, rel=1e-3)
