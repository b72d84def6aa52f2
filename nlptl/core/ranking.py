"""The outcome of `nlptl rank` as records."""

import dataclasses
from dataclasses import dataclass

from nlptl.core.records import Interval

FORMAT = 1
"""Format number of the ranking's JSON."""


@dataclass(frozen=True)
class Layer:
    """What the vectors of one layer are worth."""

    layer: int
    """0: below the first layer; -1: the last one, of a model whose layers cannot be run alone."""
    probe: float
    """The metric of a linear probe, cross-validated."""
    neighbours: float
    """The metric of the five nearest neighbours, cross-validated."""
    log_me: float
    h_score: float | None
    """None for numbers."""


@dataclass(frozen=True)
class Ranked:
    """A model with what its layers are worth."""

    name: str
    layers: tuple[Layer, ...]
    best: Layer
    """By the probe."""
    parameters: int
    """Of the encoder."""
    licence: str | None
    seconds: float
    score: Interval
    """The probe's metric on the best layer, with its 95 % interval."""
    difference: Interval | None
    """To the first of the ranking; None for the first itself."""


@dataclass(frozen=True)
class Ranking:
    """Models, the best first."""

    metric: str
    n_rows: int
    models: tuple[Ranked, ...]
    left_out: dict[str, str]
    """Why, by name."""

    def to_dict(self) -> dict[str, object]:
        """Returns the ranking as JSON values."""
        return {"format": FORMAT, **dataclasses.asdict(self)}
