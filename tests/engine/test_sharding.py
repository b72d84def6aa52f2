"""What a launcher's configuration asks for; dividing itself is tested on two processes, in tests/test_processes.py."""

import inspect

import pytest
import torch
from torch.distributed.fsdp import FSDPModule, fully_shard

from nlptl.core.errors import InputError
from nlptl.engine import sharding
from nlptl.engine.sharding import Sharding

FSDP2 = {"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2"}
DEEPSPEED = {"ACCELERATE_USE_DEEPSPEED": "true"}


@pytest.fixture
def asked(monkeypatch):
    """Returns what an environment asks for; what the call itself sets is taken back."""

    def call(variables):
        for name in ("FSDP_CPU_RAM_EFFICIENT_LOADING", *variables):
            monkeypatch.setenv(name, variables.get(name, "true"))
        return sharding.asked_for()

    return call


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, None),
        ({"ACCELERATE_USE_FSDP": "false", "FSDP_VERSION": "2"}, None),
        (FSDP2, Sharding(reshard_after_forward=True)),
        (FSDP2 | {"FSDP_RESHARD_AFTER_FORWARD": "true"}, Sharding(reshard_after_forward=True)),
        (FSDP2 | {"FSDP_RESHARD_AFTER_FORWARD": "False"}, Sharding(reshard_after_forward=False)),
        (DEEPSPEED, Sharding(reshard_after_forward=False)),
        (DEEPSPEED | {"ACCELERATE_DEEPSPEED_ZERO_STAGE": "0"}, None),
        (DEEPSPEED | {"ACCELERATE_DEEPSPEED_ZERO_STAGE": "1"}, Sharding(reshard_after_forward=False)),
        (DEEPSPEED | {"ACCELERATE_DEEPSPEED_ZERO_STAGE": "3"}, Sharding(reshard_after_forward=True)),
        (DEEPSPEED | {"ACCELERATE_DEEPSPEED_OFFLOAD_PARAM_DEVICE": "none"}, Sharding(reshard_after_forward=False)),
    ],
)
def test_a_launcher_s_configuration_is_read(asked, variables, expected):
    assert asked(variables) == expected


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({"ACCELERATE_USE_FSDP": "true"}, "FSDP version 1 is not supported: set fsdp_version to 2"),
        (FSDP2 | {"FSDP_OFFLOAD_PARAMS": "true"}, "fsdp_offload_params is not supported"),
        (FSDP2 | {"FSDP_ACTIVATION_CHECKPOINTING": "true"}, "use train.gradient_checkpointing"),
        (DEEPSPEED | {"ACCELERATE_DEEPSPEED_OFFLOAD_OPTIMIZER_DEVICE": "cpu"}, "offload_optimizer_device is not"),
        (DEEPSPEED | {"ACCELERATE_DEEPSPEED_OFFLOAD_PARAM_DEVICE": "nvme"}, "offload_param_device is not"),
        (DEEPSPEED | {"ACCELERATE_DEEPSPEED_CONFIG_FILE": "zero.json"}, "deepspeed_config_file is not read"),
    ],
)
def test_what_is_not_supported_is_refused(asked, variables, why):
    with pytest.raises(InputError, match=f"{why}.*; recipes/accelerate has files that work"):
        asked(variables)


def test_every_process_loads_the_weights(asked, monkeypatch):
    """With FSDP_CPU_RAM_EFFICIENT_LOADING, accelerate's default, transformers leaves them empty in all but one."""
    from transformers.integrations import is_fsdp_enabled

    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "is_available", lambda: True)
    for name, value in FSDP2.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FSDP_CPU_RAM_EFFICIENT_LOADING", "true")
    before = is_fsdp_enabled()
    asked(FSDP2)
    assert (before, is_fsdp_enabled()) == (True, False)


@pytest.mark.parametrize(
    ("function", "takes"),
    [
        (fully_shard, {"mesh", "reshard_after_forward", "ignored_params"}),
        (FSDPModule.set_force_sum_reduction_for_comms, {"enable"}),
        (FSDPModule.set_gradient_divide_factor, {"factor"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_fsdp_takes_what_engine_sharding_gives_it(function, takes):
    """Guards what sharded runs need of FSDP2; what it computes is compared in tests/test_processes.py."""
    missing = takes - set(inspect.signature(function).parameters)
    assert not missing, f"torch's {function.__name__} no longer takes {missing}: engine/sharding.py cannot divide a run"
