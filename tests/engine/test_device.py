"""Where a run computes, and launches that cannot work."""

from types import SimpleNamespace

import pytest
import torch
from accelerate.utils import DistributedType

from nlptl.core.errors import InputError
from nlptl.engine import device
from tests import tiny


@pytest.fixture
def launched(monkeypatch):
    """Starts computing in an environment that a launcher would make."""

    def call(variables=None, **attributes):
        monkeypatch.delenv("WORLD_SIZE", raising=False)
        for name, value in (variables or {}).items():
            monkeypatch.setenv(name, value)
        if attributes:
            known = {"num_processes": 1, "mixed_precision": "no", "distributed_type": DistributedType.NO}
            monkeypatch.setattr(device, "Accelerator", lambda **_: SimpleNamespace(**known | attributes))
        return device.start("fp32")

    return call


def test_a_launcher_of_several_processes_that_started_one_is_refused(launched):
    variables = {"MASTER_PORT": "29500", "MASTER_ADDR": "127.0.0.1", "ACCELERATE_MIXED_PRECISION": "no"}
    with pytest.raises(InputError, match=r"asked for several processes and started a single one.*torchrun"):
        launched(variables)


@pytest.mark.parametrize("variables", [{}, {"MASTER_PORT": "29500"}, {"ACCELERATE_MIXED_PRECISION": "no"}])
def test_one_process_that_was_meant_to_be_one_is_fine(launched, variables):
    assert launched(variables).n_processes == 1


def test_processes_that_do_not_know_of_each_other_are_refused(launched):
    with pytest.raises(InputError, match=r"started 2 processes, but this one sees 1: they would train apart"):
        launched({"WORLD_SIZE": "2"}, num_processes=1)


def test_megatron_is_refused(launched):
    with pytest.raises(InputError, match="Megatron-LM is not supported; recipes/accelerate has files that work"):
        launched(distributed_type=DistributedType.MEGATRON_LM)


def test_a_single_process_has_nothing_to_divide(launched):
    assert launched({"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2"}).sharding is None


def test_half_precision_of_a_launcher_is_refused(launched):
    with pytest.raises(InputError, match="mixed precision fp16 is not supported: launch with no or bf16"):
        launched(mixed_precision="fp16")


@pytest.mark.parametrize("flags", [(), (True,), (False, True), (False, False, False)])
def test_one_process_decides_alone(flags):
    assert tiny.fp32().any(*flags) == flags


def test_a_flag_of_any_process_counts_for_all(monkeypatch):
    compute = tiny.fp32()
    monkeypatch.setattr(device.Compute, "n_processes", 2)
    monkeypatch.setattr(device.Compute, "sum", lambda self, own: own + torch.tensor([0.0, 1.0, 1.0]))
    assert compute.any(False, False, True) == (False, True, True)
