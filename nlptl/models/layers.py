"""The pooled states of every layer, in one pass."""

from dataclasses import replace

import torch

from nlptl.core.records import Batch, Pretrained
from nlptl.models.family import Divided, Family
from nlptl.models.pooled import pool


class Layers:
    """Gives the states below the first layer and above each, or above the last alone if layers cannot be run alone.

    Args:
        pretrained: its encoder is run.
        pooling: mean, cls or max.
    """

    def __init__(self, pretrained: Pretrained, pooling: str) -> None:
        self._backbone, self.pooling = pretrained.module.backbone, pooling
        self._family: Family = pretrained.family  # type: ignore[assignment]
        self._depth = pretrained.module.depth()

    @property
    def n_states(self) -> int:
        """One more than layers, or 1."""
        return self._depth + 1 if isinstance(self._family, Divided) else 1

    @torch.no_grad()
    def __call__(self, batch: Batch) -> torch.Tensor:
        """Returns the states of a batch, (n_states, n, hidden)."""
        return torch.stack([pool(states, batch.boundaries, self.pooling) for states in self._states(batch)])

    def _states(self, batch: Batch) -> list[torch.Tensor]:
        family = self._family
        if not isinstance(family, Divided):
            return [family.states(self._backbone, batch)]
        states = [family.between(self._backbone, batch, 0, 0)]
        for layer in range(self._depth):
            states.append(family.between(self._backbone, replace(batch, states=states[-1]), layer, layer + 1))
        return states
