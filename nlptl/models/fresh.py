"""Draws layers of a pretrained net anew."""

from collections.abc import Iterable

import torch
from torch import nn

from nlptl.core.errors import InputError

LOADED = "_is_hf_initialized"
"""transformers' mark on parameters that came from a file; its initializers leave them alone."""


@torch.no_grad()
def draw_anew(net: nn.Module, modules: Iterable[nn.Module]) -> None:
    """Gives modules the weights that their architecture starts pretraining with, from torch's generator.

    Args:
        net: a transformers model.
        modules: some of its modules.

    Raises:
        InputError: the architecture does not initialise one of their parameters.
    """
    for module in modules:
        for parameter in module.parameters():
            vars(parameter).pop(LOADED, None)
            parameter.fill_(torch.nan)  # so that a parameter that stays as it is is noticed
        module.apply(net._init_weights)  # type: ignore[arg-type]
        left_out = [name for name, parameter in module.named_parameters() if parameter.isnan().any()]
        if left_out:
            raise InputError(
                f"{type(net).__name__} does not say how to draw its parameter {left_out[0]!r} anew: "
                "set method.reinit_layers 0, or eval.baselines simple"
            )
