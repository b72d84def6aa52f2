"""The phases of a run with their updates, and the learning rates of their parameters."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from nlptl.core.errors import InputError, nearest
from nlptl.core.phases import Phase, PhaseDone
from nlptl.core.protocols import Model
from nlptl.engine.optim import Rate

ROUNDING = 1e-6


@dataclass(frozen=True)
class Planned:
    """A phase with its updates."""

    index: int
    phase: Phase
    start: int
    """Updates done before it."""
    end: int
    """Updates done after it."""
    names: frozenset[str]
    """Parameters that it trains."""
    trainable: int
    """Values in them."""

    def done(self) -> PhaseDone:
        """Returns the record of a phase that begins."""
        return PhaseDone(self.index, self.phase.name, self.trainable)


def planned(phases: Sequence[Phase], model: Model, n_updates: int) -> list[Planned]:
    """Returns the phases with their updates; `requires_grad` is left as the last phase sets it.

    Args:
        phases: at least one.
        model: that they train.
        n_updates: of the run; a phase whose share is less than one of them may have none.

    Raises:
        InputError: a phase trains nothing, or names a parameter that the model does not have.
    """
    total = sum(phase.share for phase in phases)
    sums = accumulate(phase.share for phase in phases)
    ends = [int(n_updates * sum_ / total + ROUNDING) for sum_ in sums]  # rounded down, or the last might have none
    places = pairwise([0, *ends])
    return [_placed(i, phase, model, place) for i, (phase, place) in enumerate(zip(phases, places, strict=True))]


def _placed(index: int, phase: Phase, model: Model, place: tuple[int, int]) -> Planned:
    phase.begin()
    own = dict(model.named_parameters())
    names = frozenset(name for name, p in own.items() if p.requires_grad)
    if not names:
        raise InputError(f"phase {index}, {phase.name!r}, trains no parameter: its begin() must set requires_grad")
    for name in sorted(frozenset[str]().union(*(group.names for group in phase.groups)) - own.keys()):
        raise InputError(f"phase {index}, {phase.name!r}: the model has no parameter {name!r}{nearest(name, own)}")
    return Planned(index, phase, *place, names, sum(own[name].numel() for name in names))


def rates(phase: Phase, model: Model, layer_decay: float) -> dict[str, Rate]:
    """Returns learning-rate factor and weight decay by parameter name; parameters left out have those of the run.

    Args:
        phase: its groups decide.
        model: knows which layer is above which.
        layer_decay: a layer's learning rate divided by that of the layer above; the last layer and the head have the
            full rate (Howard and Ruder 2018; Sun et al. 2019).
    """
    found: dict[str, Rate] = {}
    if layer_decay != 1:
        n_layers = len(model.blocks())
        found = {name: Rate(layer_decay ** max(0, n_layers - level)) for name, level in model.levels().items()}
    for group in phase.groups:
        for name in group.names:
            factor = group.lr_factor * found.get(name, Rate()).lr_factor
            found[name] = Rate(factor, group.weight_decay)
    return found
