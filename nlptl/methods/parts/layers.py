"""Which of an encoder's layers a setting such as "last:2" names, and layers whose weights are drawn anew."""

from nlptl.core.errors import InputError
from nlptl.core.records import Pretrained


def indices(pretrained: Pretrained, layers: str) -> list[int]:
    """Returns the layers that a setting names: all of them for "all", the last k for "last:k".

    Raises:
        InputError: the setting is neither, k is out of range, or the model has no single stack of layers.
    """
    depth = len(pretrained.family.layers(pretrained.module.backbone))
    kind, _, k = layers.partition(":")
    if layers != "all" and (kind != "last" or not k.isdigit() or not 1 <= int(k) <= depth):
        raise InputError(f'method.layers must be "all" or "last:k" with k from 1 to {depth}, found {layers!r}')
    if pretrained.module.decodes:
        way = "use full, or lora or adapter on all layers" if pretrained.kind.is_written else "set model.pooling mean"
        raise InputError(f"method.layers needs an encoder with a head over it, and this model also decodes: {way}")
    return list(range(0 if layers == "all" else depth - int(k), depth))


def draw_anew(pretrained: Pretrained, n: int, n_trained: int) -> None:
    """Draws the top layers, and what lies above them, anew (Zhang et al. 2021: Revisiting Few-sample BERT Fine-tuning).

    The top layers are the last of the encoder. If the head reads a decoder, they are the last of the decoder, and below
    its first those of the encoder; then modules above a stack of layers stay as pretrained.

    Args:
        pretrained: the model; torch's generator is seeded.
        n: number of layers.
        n_trained: most of them.

    Raises:
        InputError: `n` is above `n_trained`.
    """
    if n > n_trained:
        raise InputError(f"method.reinit_layers must be at most {n_trained}, the number of trained layers, found {n}")
    module, family = pretrained.module, pretrained.family
    above = [] if module.decodes else [m for name, m in module.backbone.named_modules() if name in family.above]
    module.draw_anew([*module.blocks()[-n:], *above] if n else [])
