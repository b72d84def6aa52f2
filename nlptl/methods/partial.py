"""Partial fine-tuning: the upper layers and the head are trained, those below stay as pretrained."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from nlptl.checks import check_types
from nlptl.methods import _layers
from nlptl.records import Pretrained


@dataclass(frozen=True)
class Partial:
    """Trains the last layers and the head (Yosinski et al. 2014); what is frozen below is computed once."""

    layers: str = "last:2"
    """Layers to train: "last:k", or "all" but the embeddings."""

    default_lr: ClassVar[float] = 5e-5
    """As for training in full: the same weights move, from the same start."""
    default_pooling: ClassVar[str] = "native"
    self_contained: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Checks types."""
        check_types("method", self)

    def prepare(self, pretrained: Pretrained) -> None:
        """Freezes the embeddings and the layers below those named.

        Raises:
            InputError: the model has no such layers, or no single stack of them.
        """
        net, family, backbone = pretrained.module.net, pretrained.family, pretrained.module.backbone
        stack = family.layers(backbone)
        trained = [stack[i] for i in _layers.indices(pretrained, self.layers)]
        trained += [module for name, module in backbone.named_modules() if name in family.above]
        net.requires_grad_(False)
        for module in trained:
            module.requires_grad_(True)
        for name in pretrained.head:
            net.get_parameter(name).requires_grad_(True)

    def save(self, pretrained: Pretrained, folder: Path) -> None:
        """Writes a plain transformers folder."""
        pretrained.module.net.save_pretrained(folder)

    def load(self, pretrained: Pretrained, folder: Path) -> None:
        """Does nothing: the folder is itself the pretrained model that was loaded."""
