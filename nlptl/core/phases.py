"""Training in phases: which parameters each phase trains, at which learning rate, and for how long.

At the start of a phase the engine derives everything anew from `requires_grad`: the layers below the first trained one
are computed once, and the optimizer has the parameters of this phase. Optimizer state is kept by parameter name, so
parameters that trained before keep their moments. The learning-rate schedule and its warm-up span the whole run, not a
phase; which examples share an update depends only on seed and epoch.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Group:
    """Parameters with their own learning rate or weight decay."""

    names: frozenset[str]
    """Names, as in `Model.named_parameters()`."""
    lr_factor: float = 1.0
    """Factor on the run's learning rate."""
    weight_decay: float | None = None
    """None: train.weight_decay, but 0 for biases, norms and other vectors."""


def as_prepared() -> None:
    """Leaves `requires_grad` as set by the method's `prepare`."""


@dataclass(frozen=True)
class Phase:
    """One phase; most methods have a single one."""

    name: str = "all"
    """Short description of what trains: "layer 6 and above"."""
    begin: Callable[[], None] = as_prepared
    """Sets `requires_grad` of every parameter, independent of earlier phases, and changes nothing else."""
    groups: tuple[Group, ...] = ()
    """Parameters in no group have the run's learning rate and weight decay."""
    share: float = 1.0
    """Relative length: the phase gets share / (sum of all shares) of the updates. Epochs can serve as shares."""


@dataclass
class PhaseDone:
    """Progress of a phase; part of result.json."""

    phase: int
    """Index, from 0."""
    name: str
    trainable: int
    """Number of parameters that it trains."""
    cut: int = 0
    """Number of frozen layers whose outputs are computed once for each text."""
    updates: int = 0
    train_s: float = 0.0
