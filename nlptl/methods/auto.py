"""A choice among the other methods, made by trials on rows held out of training (nlptl/runs/choice.py)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from nlptl.core.checks import check_types
from nlptl.core.errors import InputError
from nlptl.core.protocols import Method
from nlptl.core.records import Pretrained
from nlptl.methods.adapter import Adapter
from nlptl.methods.full import Full
from nlptl.methods.hybrid import Hybrid
from nlptl.methods.lora import LoRA
from nlptl.methods.partial import Partial
from nlptl.methods.probe import Probe

TRIED: Mapping[str, Method] = {
    "tfidf": Hybrid(balances=(0.0,)),
    "probe": Probe(),
    "hybrid": Hybrid(),
    "partial": Partial(),
    "adapter": Adapter(),
    "lora": LoRA(),
    "full": Full(),
}
"""By name, the cheapest to train first."""


@dataclass(frozen=True)
class Auto:
    """Tries the other methods on rows held out of training, within train.minutes, and keeps the best.

    A cheaper method is kept if it is within a standard error of the best, and within 0.01.
    """

    tried: tuple[str, ...] = tuple(TRIED)
    """Methods to try, the cheapest first; tfidf: the hybrid without the encoder's vector."""

    default_lr: ClassVar[float] = 1e-3
    """Not used."""
    default_pooling: ClassVar[str] = "native"
    self_contained: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Checks types and names."""
        check_types("method", self)
        object.__setattr__(self, "tried", tuple(self.tried))
        unknown = [name for name in self.tried if name not in TRIED]
        if unknown or not self.tried:
            raise InputError(f"method.tried must be some of {', '.join(TRIED)}, found {', '.join(unknown) or 'none'}")

    def candidates(self) -> dict[str, Method]:
        """Returns the methods to try, by name, the cheapest first."""
        return {name: method for name, method in TRIED.items() if name in self.tried}

    def prepare(self, pretrained: Pretrained) -> None:
        """Raises a TypeError: a run replaces this method by the one that it chooses."""
        raise TypeError("method auto stands for another one until a run has chosen it")

    def save(self, pretrained: Pretrained, folder: Path) -> None:
        """Raises a TypeError, as `prepare`."""
        self.prepare(pretrained)

    def load(self, pretrained: Pretrained, folder: Path) -> None:
        """Raises a TypeError, as `prepare`."""
        self.prepare(pretrained)
