"""Bottleneck adapters (Houlsby, Pfeiffer, parallel) as a PEFT method; importing this module registers it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, get_args

from peft import PeftConfig
from torch import nn

from nlptl.core import registry
from nlptl.core.errors import InputError, nearest
from nlptl.core.parts import SubLayers
from nlptl.methods._bottleneck_layer import ACTIVATIONS, BottleneckLayer
from nlptl.methods._peft_type import (
    AuxiliaryTrainingWrapper,
    BaseTuner,
    check_target_module_exists,
    extend_peft_type,
    register,
)

NAME = "bottleneck"
Args = tuple[object, ...]
Named = dict[str, object]
Variant = Literal["houlsby", "pfeiffer", "parallel"]


def sub_layers() -> dict[str, SubLayers]:
    """Returns the names of the sub-layers that take adapters, by `config.model_type`."""
    families = [registry.load("family", name) for name in registry.names("family")]
    return {model_type: family.sub_layers for family in families for model_type in family.model_types}


@dataclass
class BottleneckConfig(PeftConfig):
    """Which adapters to add to which sub-layers.

    houlsby: after attention and after feed-forward, before the residual is added (Houlsby et al. 2019, figure 2).
    pfeiffer: after feed-forward only (Pfeiffer et al. 2021), at the same place. AdapterHub's `seq_bn` differs: there
    the adapter reads LayerNorm(output + residual) and is added to the output, before that LayerNorm is applied again.
    parallel: beside feed-forward, reading its input (He et al. 2022, table 1; there `scaling` is 4).
    On T5, a decoder's cross-attention counts as attention, and the input of a sub-layer is the normalized one.
    """

    variant: Variant = "pfeiffer"
    bottleneck_dim: int = 64
    """Width of the bottleneck, in units."""
    non_linearity: str = "relu"
    """A name of `ACTIVATIONS`."""
    scaling: float = 1.0
    """Factor on what the adapter adds, in every variant."""
    adapter_dropout: float = 0.0
    """Probability of dropping a value that the adapter reads."""
    layers_to_transform: list[int] | None = None
    """Layers that get adapters, from 0, in encoder and decoder alike; None for all. A layer's index is the first number
    in its module name."""
    target_modules: list[str] | str | None = None
    """Sub-layers: a regular expression on full module names, or a list of name ends. None: the model family's own."""
    exclude_modules: list[str] | str | None = None
    """Sub-layers to leave out, given as in `target_modules`."""
    modules_to_save: list[str] | None = None
    """Modules trained and saved as a whole beside the adapters: the head."""

    def __post_init__(self) -> None:
        """Checks the values.

        Raises:
            InputError: a value cannot be used.
        """
        super().__post_init__()  # type: ignore[no-untyped-call]
        self.peft_type = extend_peft_type(NAME.upper())
        _check_choice("variant", self.variant, get_args(Variant))
        _check_choice("non_linearity", self.non_linearity, ACTIVATIONS)
        if self.bottleneck_dim < 1:
            raise InputError(f"bottleneck_dim must be at least 1, got {self.bottleneck_dim}")
        if not 0 <= self.adapter_dropout < 1:
            raise InputError(f"adapter_dropout must be at least 0 and below 1, got {self.adapter_dropout}")
        if self.layers_to_transform is not None and not self.layers_to_transform:
            raise InputError("layers_to_transform is empty; give layer indices, or None for all layers")


class BottleneckModel(BaseTuner):
    """A model whose sub-layers carry bottleneck adapters; `get_peft_model(model, BottleneckConfig(...))` builds it.

    The model may be a transformers model or any module with one inside.
    """

    prefix = f"{NAME}_"
    tuner_layer_cls = BottleneckLayer

    # In the methods that PEFT calls, `peft_config` is a BottleneckConfig; PEFT declares the base class, hence Any.

    def _prepare_adapter_config(self, peft_config: Any, model_config: dict[str, object]) -> PeftConfig:
        if peft_config.target_modules is None:
            peft_config.target_modules = default_targets(peft_config.variant, _model_type(self.model))
        return peft_config  # type: ignore[no-any-return]

    def _prepare_model(self, peft_config: Any, model: nn.Module) -> None:
        """Refuses layer indices that the model lacks, before anything is changed."""
        if peft_config.layers_to_transform is None:
            return
        everywhere = replace(peft_config, layers_to_transform=None)
        targets = (name for name, _ in model.named_modules() if check_target_module_exists(everywhere, name))
        present = sorted({index for name in targets if (index := _layer_index(name)) is not None})
        if missing := sorted(set(peft_config.layers_to_transform) - set(present)):
            raise InputError(f"layers_to_transform has {missing}, which this model lacks; its layers are {present}")

    @staticmethod
    def _check_target_module_exists(peft_config: Any, key: str) -> Any:
        found = check_target_module_exists(peft_config, key)
        if not found or peft_config.layers_to_transform is None:
            return found  # PEFT distinguishes two falsy values: not matched, and excluded
        return _layer_index(key) in peft_config.layers_to_transform

    def _create_and_replace(
        self,
        peft_config: Any,
        adapter_name: str,
        target: nn.Module,
        target_name: str,
        parent: nn.Module,
        *_: object,
        **__: object,
    ) -> None:
        if isinstance(target, BottleneckLayer):
            target.update_layer(adapter_name, peft_config)
        else:
            setattr(parent, target_name, BottleneckLayer(target, adapter_name, peft_config))

    def _replace_module(self, parent: nn.Module, child_name: str, new_module: nn.Module, child: nn.Module) -> None:
        """Puts a sub-layer back; PEFT's own version copies `.weight`, which a block of several layers does not have."""
        setattr(parent, child_name, new_module)

    def _check_merge_allowed(self) -> None:
        raise NotImplementedError(
            "bottleneck adapters cannot be merged into the base model, because they are not linear;"
            " keep the adapter, or call unload() to drop it"
        )

    @contextmanager
    def _enable_peft_forward_hooks(self, *args: Any, **kwargs: Any) -> Iterator[None]:
        """Passes `model(..., adapter_names=[...])` on to the layers, which give each row its own adapter."""
        names = kwargs.get("adapter_names")
        handles = []
        if names is not None:
            self._check_adapter_names(names)
            takers = (m for m in self.modules() if isinstance(m, BottleneckLayer | AuxiliaryTrainingWrapper))
            handles = [m.register_forward_pre_hook(partial(_with_names, names), with_kwargs=True) for m in takers]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _check_adapter_names(self, names: Sequence[str]) -> None:
        if self.training:
            raise InputError("adapter_names is for inference only; call model.eval() first")
        if unknown := sorted(set(names) - set(self.peft_config) - {"__base__"}):
            known = ", ".join([*self.peft_config, "__base__"])
            raise InputError(f"adapter_names has unknown adapters {unknown}; known: {known}")


def default_targets(variant: Variant, model_type: str | None) -> str:
    """Returns the regular expression for the sub-layers that a variant adapts in a model family.

    Args:
        variant: houlsby adapts both sub-layers, the others feed-forward only.
        model_type: `config.model_type` of the model; None if it has none.

    Raises:
        InputError: no family of nlptl has that model type.
    """
    known = sub_layers()
    if model_type not in known:
        hint = nearest(model_type or "", known)
        raise InputError(
            f"the sub-layers of model type {model_type!r} are not known{hint}; known: {', '.join(known)}."
            " Give target_modules: a regular expression for the names of its attention and feed-forward blocks"
        )
    stack, attention, feed_forward = known[model_type]
    blocks = f"({attention}|{feed_forward})" if variant == "houlsby" else feed_forward
    return rf"(.*\.)?{stack}\.\d+\.{blocks}"


def _model_type(model: nn.Module) -> str | None:
    """Returns the model type of the outermost module that has a transformers config."""
    types = (getattr(getattr(module, "config", None), "model_type", None) for module in model.modules())
    return next((model_type for model_type in types if model_type), None)


def _layer_index(module_name: str) -> int | None:
    """Returns the first number after a word in a dotted name, as PEFT's LoRA counts layers; None if there is none."""
    found = re.search(r"[^.\d][^.]*\.(\d+)\.", module_name)
    return int(found[1]) if found else None


def _check_choice(field: str, value: str, known: Iterable[str]) -> None:
    if value not in known:
        raise InputError(f"unknown {field} {value!r}{nearest(value, known)}; known: {', '.join(known)}")


def _with_names(names: Sequence[str], module: nn.Module, args: Args, kwargs: Named) -> tuple[Args, Named]:
    """A forward pre-hook that adds the rows' adapter names to a module's arguments."""
    return args, {**kwargs, "adapter_names": names}


register(NAME, BottleneckConfig, BottleneckModel)
