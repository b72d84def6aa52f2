"""ModernBERT (Warner et al. 2024)."""

from typing import ClassVar

from torch import nn

from nlptl.core.parts import SubLayers
from nlptl.models.families.parts.padded import Padded


class ModernBert(Padded):
    """ModernBERT: padded, because two layers of three attend within a window, at rotary positions."""

    model_types: ClassVar[tuple[str, ...]] = ("modernbert",)
    sub_layers: ClassVar[SubLayers] = SubLayers("layers", "attn", "mlp")
    above: ClassVar[tuple[str, ...]] = ("final_norm",)
    dropout_fields: ClassVar[tuple[str, ...]] = (
        "embedding_dropout",
        "attention_dropout",
        "mlp_dropout",
        "classifier_dropout",
    )

    def layers(self, backbone: nn.Module) -> nn.ModuleList:
        """Returns the encoder's layers, first to last."""
        return backbone.layers  # type: ignore[return-value]
