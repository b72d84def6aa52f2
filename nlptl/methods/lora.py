"""LoRA: low-rank updates beside frozen linear layers (Hu et al. 2022), through PEFT."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from nlptl.core.checks import at_least, check_types, within
from nlptl.core.errors import InputError
from nlptl.core.records import Pretrained
from nlptl.methods.parts import peft_models


@dataclass(frozen=True)
class LoRA:
    """Trains the head, and A and B in W + (alpha / rank) B A; W is frozen (Hu et al. 2022, equation 3)."""

    rank: int = 8
    """Rank of the update B A."""
    alpha: float = 16.0
    """Numerator of the update's scale."""
    dropout: float = 0.05
    """Dropout probability on the update's input."""
    targets: Literal["linear", "attention"] | list[str] = "linear"
    """Linear layers to adapt; linear: all; attention: those in attention; or name endings such as [query, value]."""
    layers: str = "all"
    """Layers to adapt: "all" or "last:k"."""
    scale: Literal["standard", "rslora"] = "standard"
    """Scale of the update; standard: alpha / rank; rslora: alpha / sqrt(rank) (Kalajdzievski 2023)."""
    decomposition: Literal["none", "dora"] = "none"
    """dora: magnitude and direction of a weight are trained separately (Liu et al. 2024)."""

    default_lr: ClassVar[float] = 5e-4
    """RoBERTa-base's on SST-2 (Hu et al. 2022, table 9)."""
    default_pooling: ClassVar[str] = "native"
    self_contained: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Checks types, choices and ranges."""
        check_types("method", self)
        at_least("method.rank", self.rank, 1)
        within("method.dropout", self.dropout, 0.0, 0.99)
        if not self.alpha > 0:
            raise InputError(f"method.alpha must be above 0, found {self.alpha}")

    def prepare(self, pretrained: Pretrained) -> None:
        """Puts the low-rank updates beside the targeted layers; they start at zero."""
        from peft import LoraConfig

        from nlptl.methods.parts.linear_layers import is_transposed

        targets = peft_models.linear_layers(pretrained, self.targets, self.layers)
        self._check_rank(pretrained, targets)
        config = LoraConfig(
            task_type=peft_models.task_type(pretrained),
            r=self.rank,
            lora_alpha=self.alpha,  # type: ignore[arg-type]
            lora_dropout=self.dropout,
            target_modules=targets,
            fan_in_fan_out=any(is_transposed(pretrained.module.net.get_submodule(name)) for name in targets),
            modules_to_save=peft_models.head_modules(pretrained) or None,
            use_rslora=self.scale == "rslora",
            use_dora=self.decomposition == "dora",
        )
        peft_models.insert(pretrained, config)

    def _check_rank(self, pretrained: Pretrained, targets: Sequence[str]) -> None:
        """Raises an InputError if the rank is above the width of the narrowest targeted layer."""
        widths = {name: min(pretrained.module.net.get_parameter(f"{name}.weight").shape) for name in targets}
        for name, width in sorted(widths.items(), key=lambda item: item[1])[:1]:
            if self.rank > width:
                raise InputError(
                    f"method.rank must be at most {width}, the width of the layer {name}; found {self.rank}"
                )

    def save(self, pretrained: Pretrained, folder: Path) -> None:
        """Writes a plain PEFT folder, head included."""
        peft_models.save(pretrained, folder)

    def load(self, pretrained: Pretrained, folder: Path) -> None:
        """Puts a saved PEFT folder into a fresh base."""
        peft_models.load(pretrained, folder)

    def merge(self, pretrained: Pretrained) -> None:
        """Adds the updates to the weights beside which they stand."""
        peft_models.merge(pretrained)
