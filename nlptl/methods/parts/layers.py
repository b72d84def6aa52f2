"""Which of an encoder's layers a setting such as "last:2" names."""

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
