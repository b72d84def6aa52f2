"""Loads a pretrained model with a head for the task: the checkpoint's own if it fits, else one drawn anew.

Models that nlptl saved are opened by opening.py.
"""

import torch
from torch import nn

from nlptl.core.config import ModelConfig
from nlptl.core.records import Pretrained
from nlptl.core.weights import head_file
from nlptl.models import nets, sources
from nlptl.models.heads.base import head_of
from nlptl.models.plan import Plan, Wanted, plan
from nlptl.models.pooled import PooledClassifier

__all__ = ["Wanted", "load"]


def load(config: ModelConfig, wanted: Wanted, *, seed: int) -> Pretrained:
    """Returns a pretrained model with a head.

    The head is the checkpoint's own if it has exactly these labels in this order, else a new one, drawn with `seed`.

    Args:
        config: of the model; open settings are resolved.
        wanted: what the head must give.
        seed: draws a new head's weights.

    Raises:
        InputError: the model cannot be found or loaded, or does not fit the configuration.
    """
    planned = plan(config, wanted, sources.find(config))
    with nets.reading(planned.source, seed):  # transformers draws new heads from the global random state
        found = nets.read(planned)
        _set_head(found, planned, seed)
    return nets.assembled(planned, found)


def _set_head(found: nets.Found, planned: Plan, seed: int) -> None:
    pooled, folder = isinstance(found.net, PooledClassifier), planned.source.path
    fits = head_of(planned.wanted.kind.head).is_own(planned.raw, planned.wanted.labels.names)
    if not fits or (pooled and head_file(folder) is None):
        _draw(found.net, found.fresh, seed, getattr(planned.net_config, "initializer_range", 0.02))
    elif isinstance(found.net, PooledClassifier):
        found.net.load_head(folder)


def _draw(net: nn.Module, head: frozenset[str], seed: int, std: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in net.named_parameters():
        if name not in head:
            continue
        if isinstance(net.get_submodule(name.rpartition(".")[0]), nn.Linear):  # norms begin as they are made
            with torch.no_grad():
                _ = parameter.normal_(0.0, std, generator=generator) if parameter.ndim > 1 else parameter.zero_()
