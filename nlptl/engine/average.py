"""The mean of a run's states, which is evaluated and delivered in place of the last one; training goes on without it.

exponential: after update t the weights w_t join with (1 - d) * w_t + d * the mean before, d being train.average_decay;
divided by 1 - d**t, as in Adam (Kingma and Ba 2015), so that the weights before training have no share in it.
epochs: the plain mean of the weights at the end of each epoch in the second half of training (Izmailov et al. 2018).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from nlptl.core.checks import known
from nlptl.core.config import TrainConfig
from nlptl.core.protocols import Model
from nlptl.engine.checkpoint import Tensors
from nlptl.engine.kept import Kept
from nlptl.engine.sharding import part


class Average:
    """The mean so far.

    Args:
        config: which mean.
        per_epoch: updates of an epoch.
        kept: the values of a state.
    """

    def __init__(self, config: TrainConfig, per_epoch: int, kept: Kept) -> None:
        self._config, self._per_epoch, self._kept = config, per_epoch, kept
        self.values: Tensors | None = None
        """By name; None before the first state."""

    def begin(self, model: Model) -> None:
        """Begins a phase: the mean lies where the model does, and has the model's own values of what is frozen now.

        Outputs of frozen layers are computed once, from their own values.

        Args:
            model: that is trained, perhaps divided over processes.
        """
        if self.values is None:
            return
        placed, own, trained = self._kept.placed(self.values, model), self._kept.of(model), _trained(model)
        self.values = {
            name: placed[name].to(value.device) if name in trained else value.clone() for name, value in own.items()
        }

    @torch.no_grad()
    def add(self, update: int, model: Model) -> None:
        """Adds the state after an update, if it counts.

        Args:
            update: number of updates done.
            model: that is trained.
        """
        share = self._share(update)
        if share is None:
            return
        if self.values is None:
            self.values = self._kept.copy(model)
            return
        for name, value in _trained(model).items():
            part(self.values[name]).lerp_(part(value), share)

    @contextmanager
    def shown(self, model: Model) -> Iterator[None]:
        """Lends a model the mean; if there is none, it keeps its own values.

        Args:
            model: that is trained.
        """
        self._swap(model)
        try:
            yield
        finally:
            self._swap(model)

    def _share(self, update: int) -> float | None:
        """Returns the share of the state after an update in the mean from then on; None if it does not count."""
        if self._config.average == "none":
            return None
        if self._config.average == "exponential":
            decay = self._config.average_decay
            return (1 - decay) / (1 - decay**update)
        epoch, left = divmod(update, self._per_epoch)
        n = epoch - known("train.epochs", self._config.epochs) // 2
        return 1 / n if left == 0 and n > 0 else None

    @torch.no_grad()
    def _swap(self, model: Model) -> None:
        if self.values is None:
            return
        for name, value in _trained(model).items():
            own, mean = part(value), part(self.values[name])
            before = own.clone()
            own.copy_(mean)
            mean.copy_(before)


def _trained(model: Model) -> Tensors:
    """Returns the values of what trains now, by name."""
    return {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}
