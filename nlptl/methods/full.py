"""Full fine-tuning: every parameter is trained (Devlin et al. 2019, section 4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

from nlptl.core.checks import at_least, check_types
from nlptl.core.phases import Phase
from nlptl.core.protocols import Model
from nlptl.core.records import Pretrained
from nlptl.methods.parts.layers import draw_anew


@dataclass(frozen=True)
class Full:
    """Trains every parameter."""

    unfreeze: Literal["at_once", "gradual"] = "at_once"
    """gradual: first the head and the last layer are trained, then in each phase one more layer below, the embeddings
    with the first layer (Howard and Ruder 2018). A phase lasts one epoch, and the last phase takes the epochs that are
    left; with fewer epochs than layers all phases are equally long. The learning rate's schedule spans all phases.
    Layers that are drawn anew train from the first phase on."""
    reinit_layers: int = 0
    """Number of top layers whose weights are drawn anew before training, together with what the encoder has above them,
    such as BERT's pooler (Zhang et al. 2021: Re-init). If the head reads a decoder, the top layers are the decoder's,
    and the norms above them stay."""

    default_lr: ClassVar[float] = 5e-5
    """The largest of BERT's grid {5e-5, 3e-5, 2e-5} (Devlin et al. 2019, appendix A.3)."""
    lr_by_width: ClassVar[Mapping[int, float]] = {384: 2e-4, 768: default_lr, 1024: 2e-5}
    """384: measured (benchmarks/RESULTS.md, settings); 768 and 1024: BERT's grid, whose large model wants the least."""
    default_pooling: ClassVar[str] = "native"
    self_contained: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Checks types, choices and ranges."""
        check_types("method", self)
        at_least("method.reinit_layers", self.reinit_layers, 0)

    def prepare(self, pretrained: Pretrained) -> None:
        """Makes every parameter trainable.

        Raises:
            InputError: more layers are to be drawn anew than the model has.
        """
        pretrained.module.net.requires_grad_(True)
        draw_anew(pretrained, self.reinit_layers, len(pretrained.module.blocks()))

    def phases(self, pretrained: Pretrained, epochs: int) -> Sequence[Phase]:
        """Returns one phase, or one for each layer that is trained: see `nlptl.core.protocols.Phased`."""
        module = pretrained.module
        trained = {name for name, p in module.named_parameters() if p.requires_grad}
        levels = {name: level for name, level in module.levels().items() if name in trained}
        highest = len(module.blocks()) - max(0, self.reinit_layers - 1)
        layers = sorted({level for level in levels.values() if 1 <= level <= highest}, reverse=True)
        if self.unfreeze == "at_once" or not layers:
            return (Phase(),)
        phases = []
        for layer in layers:
            is_last = layer == layers[-1]
            names = frozenset(name for name, level in levels.items() if level >= layer or is_last)
            share = epochs - len(layers) + 1 if is_last and epochs > len(layers) else 1
            phases.append(Phase(f"from layer {layer} up", partial(_train, module, names), share=share))
        return phases

    def save(self, pretrained: Pretrained, folder: Path) -> None:
        """Writes a plain transformers folder."""
        pretrained.module.save_net(folder)

    def load(self, pretrained: Pretrained, folder: Path) -> None:
        """Does nothing: the folder is itself the pretrained model that was loaded."""


def _train(module: Model, names: frozenset[str]) -> None:
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(name in names)
