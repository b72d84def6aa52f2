"""The exchange of gradients leaves nothing on the parameters."""

import torch
from torch import nn

from nlptl.engine.exchange import Exchange


def n_hooks(layer: nn.Module) -> int:
    return sum(len(p._post_accumulate_grad_hooks or ()) for p in layer.parameters())


def test_hooks_are_gone_after_the_end():
    layer = nn.Linear(2, 3)
    exchange = Exchange(list(layer.parameters()), active=True)
    assert n_hooks(layer) == 2
    exchange.close()
    assert n_hooks(layer) == 0
    layer(torch.ones(1, 2)).sum().backward()  # there is no group of processes to send to
