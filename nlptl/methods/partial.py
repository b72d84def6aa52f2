"""Partial fine-tuning: the upper layers and the head are trained, the lower layers stay as pretrained."""

from dataclasses import dataclass

from nlptl.core.records import Pretrained
from nlptl.methods.full import Full
from nlptl.methods.parts.layers import draw_anew, indices


@dataclass(frozen=True)
class Partial(Full):
    """Trains the last layers and the head (Yosinski et al. 2014); the frozen layers below are computed once.

    Learning rate and artifact are those of full fine-tuning: the same weights move, from the same start.
    """

    layers: str = "last:2"
    """Layers to train: "last:k" or "all"; the embeddings stay frozen."""

    def prepare(self, pretrained: Pretrained) -> None:
        """Freezes the embeddings and the layers below the trained ones.

        Raises:
            InputError: the model has no such layers, or no single stack of them; or more layers are drawn anew than
                are trained.
        """
        net, family, backbone = pretrained.module.net, pretrained.family, pretrained.module.backbone
        stack = family.layers(backbone)
        trained = [stack[i] for i in indices(pretrained, self.layers)]
        draw_anew(pretrained, self.reinit_layers, len(trained))
        trained += [module for name, module in backbone.named_modules() if name in family.above]
        net.requires_grad_(False)
        for module in trained:
            module.requires_grad_(True)
        for name in pretrained.head:
            net.get_parameter(name).requires_grad_(True)
