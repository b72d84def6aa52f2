"""What methods built on PEFT share: where to insert, which head to train, saving and loading."""

import copy
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlptl.core import weights
from nlptl.core.errors import InputError, nearest
from nlptl.core.records import Pretrained
from nlptl.methods.parts.layers import indices

if TYPE_CHECKING:
    from peft import PeftConfig, PeftModel
    from torch import nn

WEIGHTS = "adapter_model.safetensors"
CONFIG = "config"
"""The folder of config.json inside the artifact."""


def insert(pretrained: Pretrained, config: "PeftConfig", *, empty: bool = False) -> None:
    """Puts a PEFT method into the net in place; afterwards its parameters and the head are trainable, nothing else.

    Args:
        pretrained: its `adapted` becomes the PeftModel around the net.
        config: a fresh PeftConfig with `modules_to_save` from `head_modules`.
        empty: leaves the method's parameters without values (on torch's meta device), to be read from a file.
    """
    from peft import get_peft_model

    with _quiet():
        net: Any = pretrained.module.net  # PEFT declares a PreTrainedModel, and takes any module
        peft_model = get_peft_model(net, config, low_cpu_mem_usage=empty)
    peft_model.peft_config["default"].base_model_name_or_path = pretrained.source.reference
    peft_model.peft_config["default"].revision = pretrained.source.revision
    pretrained.adapted = peft_model


def save(pretrained: Pretrained, folder: Path) -> None:
    """Writes a plain PEFT folder, and beside it the configuration of the net with its labels.

    PEFT and transformers keep no labels for adapters. A config.json in the folder itself would make transformers look
    for the whole model there; from its own folder the user passes it: `pipeline(..., config=FOLDER / "config")`.
    """
    _adapted(pretrained).save_pretrained(str(folder))
    if pretrained.config.pooling == "native":  # else the head is ours, which transformers does not have
        config = copy.deepcopy(pretrained.module.architecture)
        config.architectures = [type(pretrained.module.net).__name__]
        config.save_pretrained(folder / CONFIG)


def load(pretrained: Pretrained, folder: Path) -> None:
    """Puts a saved PEFT folder into a fresh base; every parameter of the method and of the head is read from it.

    Raises:
        InputError: the folder has no safetensors weights, or they are not exactly those of the method.
    """
    from peft import PeftConfig, get_peft_model_state_dict, set_peft_model_state_dict

    if not (folder / WEIGHTS).exists():
        raise InputError(f"{folder} has no {WEIGHTS}; pickled adapters are not loaded")
    try:
        insert(pretrained, PeftConfig.from_pretrained(str(folder)), empty=True)
    except InputError:
        raise
    except Exception as error:  # PEFT's many methods raise errors of any type
        raise InputError(f"the adapter_config.json in {folder} does not fit the model: {error!r}") from error
    adapted = _adapted(pretrained)
    wanted = {name: p.shape for name, p in get_peft_model_state_dict(adapted, save_embedding_layers=False).items()}
    set_peft_model_state_dict(adapted, weights.read(folder / WEIGHTS, wanted), low_cpu_mem_usage=True)


def merge(pretrained: Pretrained) -> None:
    """Merges a method that can be merged into the net, in place; afterwards the net is a plain one."""
    merged = _adapted(pretrained).merge_and_unload()
    if merged is not pretrained.module.net:
        raise TypeError(f"PEFT merged into another {type(merged).__name__} than the net")
    pretrained.adapted = None


def _adapted(pretrained: Pretrained) -> "PeftModel":
    from peft import PeftModel

    assert isinstance(pretrained.adapted, PeftModel), pretrained.adapted
    return pretrained.adapted


@contextmanager
def _quiet() -> Iterator[None]:
    # PEFT 0.21 asks for a property that transformers 5.23 has renamed. It also warns of another model if a folder
    # stands in place of a Hub name; nlptl compares the hash of the weights instead.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*is_gradient_checkpointing.*", FutureWarning)
        warnings.filterwarnings("ignore", ".*base_model_name_or_path.*", UserWarning)
        yield


def head_modules(pretrained: Pretrained) -> list[str]:
    """Returns the largest modules that consist of head parameters only, by name."""
    net, head = pretrained.module.net, pretrained.head

    def is_head(name: str) -> bool:
        return all(f"{name}.{p}" in head for p, _ in net.get_submodule(name).named_parameters())

    found = set()
    for parameter in head:
        module = parameter.rpartition(".")[0]
        while "." in module and is_head(module.rpartition(".")[0]):
            module = module.rpartition(".")[0]
        found.add(module)
    return sorted(found)


def task_type(pretrained: Pretrained) -> str:
    """Returns PEFT's task type, by which its Auto classes find the model class."""
    if pretrained.module.is_likelihood:
        return "SEQ_2_SEQ_LM"
    return pretrained.kind.peft_type


def linear_layers(pretrained: Pretrained, targets: str | Sequence[str], layers: str) -> list[str]:
    """Returns the names of the linear layers to adapt, all of them inside the stack of layers.

    Args:
        pretrained: the model.
        targets: "linear" for all, "attention" for those of the attention, or endings of names.
        layers: see `nlptl.methods.parts.layers.indices`.

    Raises:
        InputError: an ending matches no linear layer.
    """
    chosen = None if layers == "all" else indices(pretrained, layers)
    linear = _linear_names(pretrained.module.net)
    names = [name for name in linear if chosen is None or weights.layer_of(name) in chosen]
    if targets == "linear":
        return names
    if targets == "attention":
        return [name for name in names if "attention" in name.lower() or "attn" in name]
    endings = [targets] if isinstance(targets, str) else list(targets)
    for ending in endings:
        if not any(_ends(name, ending) for name in names):
            known = sorted({name.rpartition(".")[2] for name in names})
            raise InputError(
                f"method.targets: no linear layer ends in {ending!r}{nearest(ending, known)}; endings: {known}"
            )
    return [name for name in names if any(_ends(name, ending) for ending in endings)]


def _linear_names(net: "nn.Module") -> list[str]:
    from nlptl.methods.parts.linear_layers import is_linear

    return [n for n, m in net.named_modules() if is_linear(m) and weights.layer_of(n) is not None]


def _ends(name: str, ending: str) -> bool:
    return name == ending or name.endswith(f".{ending}")
