"""Bottleneck adapters: small two-layer networks inside frozen layers, as a PEFT method."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from nlptl.core.checks import at_least, check_types, within
from nlptl.core.errors import InputError
from nlptl.core.records import Pretrained
from nlptl.methods.parts import peft_models
from nlptl.methods.parts.layers import indices

WIDEST = 4  # times the width of the model: as wide as the feed-forward layers themselves


@dataclass(frozen=True)
class Adapter:
    """Trains the head, and adapters h + scaling * up(f(down(h))) that start as the identity."""

    variant: Literal["houlsby", "pfeiffer", "parallel"] = "pfeiffer"
    """houlsby: after attention and feed-forward; pfeiffer: after feed-forward; parallel: beside feed-forward."""
    bottleneck: int = 64
    """Width of the adapters."""
    non_linearity: Literal["relu", "gelu", "silu", "tanh"] = "relu"
    """The function f between down and up."""
    scaling: float = 1.0
    """Factor on the adapter's output."""
    dropout: float = 0.0
    """Dropout probability on the adapter's input."""
    layers: str = "all"
    """Layers to adapt: "all" or "last:k"."""

    default_lr: ClassVar[float] = 1e-3
    """Within the sweep of Houlsby et al. 2019 (section 3.1: 3e-5 to 3e-3)."""
    default_pooling: ClassVar[str] = "native"
    self_contained: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Checks types, choices and ranges."""
        check_types("method", self)
        at_least("method.bottleneck", self.bottleneck, 1)
        within("method.dropout", self.dropout, 0.0, 0.99)

    def prepare(self, pretrained: Pretrained) -> None:
        """Puts the adapters into the layers; they start as the identity."""
        from nlptl.methods._bottleneck import BottleneckConfig

        width = pretrained.module.width()
        if self.bottleneck > WIDEST * width:
            raise InputError(
                f"method.bottleneck must be at most {WIDEST * width}, {WIDEST} times the model's width of {width}: "
                f"a wider one is no bottleneck; found {self.bottleneck}"
            )
        config = BottleneckConfig(
            task_type=peft_models.task_type(pretrained),
            variant=self.variant,
            bottleneck_dim=self.bottleneck,
            non_linearity=self.non_linearity,
            scaling=self.scaling,
            adapter_dropout=self.dropout,
            layers_to_transform=None if self.layers == "all" else indices(pretrained, self.layers),
            modules_to_save=peft_models.head_modules(pretrained) or None,
        )
        peft_models.insert(pretrained, config)

    def save(self, pretrained: Pretrained, folder: Path) -> None:
        """Writes a PEFT folder, head included; loading it elsewhere needs `import nlptl`."""
        peft_models.save(pretrained, folder)

    def load(self, pretrained: Pretrained, folder: Path) -> None:
        """Puts a saved PEFT folder into a fresh base."""
        import nlptl.methods._bottleneck  # noqa: F401  registers the method with PEFT

        peft_models.load(pretrained, folder)
