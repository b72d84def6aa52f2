"""Training in phases: what each trains, how fast, and for how long.

At the start of a phase the engine derives everything anew from `requires_grad`: what lies below the first trained layer
is computed once, and the optimizer has the phase's parameters. Its state is kept by parameter name, so what trained
before goes on with its moments. The learning-rate schedule and its warm-up stretch over the whole run, not over a
phase; which examples share an update depends on seed and epoch alone.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Group:
    """Parameters that are optimized in a way of their own."""

    names: frozenset[str]
    """As in `Model.named_parameters()`."""
    lr_factor: float = 1.0
    """Times the run's learning rate."""
    weight_decay: float | None = None
    """None: train.weight_decay, for biases, norms and other vectors 0."""


def as_prepared() -> None:
    """Leaves `requires_grad` as the method's `prepare` has set it."""


@dataclass(frozen=True)
class Phase:
    """One phase; most methods have a single one."""

    name: str = "all"
    """What trains, in few words: "layer 6 and above"."""
    begin: Callable[[], None] = as_prepared
    """Sets `requires_grad` on exactly what trains, whatever phase came before, and changes nothing else."""
    groups: tuple[Group, ...] = ()
    """Parameters in none of them have the run's learning rate and weight decay."""
    share: float = 1.0
    """How long it lasts: its part of all updates is its share of all shares, so epochs can be given."""


@dataclass
class PhaseDone:
    """What a phase has done so far; part of result.json."""

    phase: int
    """Its number, from 0."""
    name: str
    trainable: int
    """Parameters that it trains."""
    cut: int = 0
    """How many layers below what trains are computed once for each text; 0 for none."""
    updates: int = 0
    train_s: float = 0.0
