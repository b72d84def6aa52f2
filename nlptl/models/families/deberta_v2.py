"""DeBERTa-v2 and DeBERTa-v3 (He et al. 2021, 2023)."""

from typing import Any, ClassVar

from nlptl.core.parts import SubLayers
from nlptl.models.families.parts.padded import Padded


class DebertaV2(Padded):
    """DeBERTa: padded, because its attention compares content with relative positions in a function of its own."""

    model_types: ClassVar[tuple[str, ...]] = ("deberta-v2",)
    attention: ClassVar[str] = "eager"
    reads_types: ClassVar[bool] = True
    sub_layers: ClassVar[SubLayers] = SubLayers("layer", r"attention\.output", "output")
    dropout_fields: ClassVar[tuple[str, ...]] = (
        "hidden_dropout_prob",
        "attention_probs_dropout_prob",
        "pooler_dropout",
        "cls_dropout",
    )
    drops_by_row: ClassVar[bool] = False
    """Embeddings of relative positions, which all rows of a batch share, are dropped too."""

    def max_length(self, config: Any) -> int | None:
        """Returns the number of absolute positions; None if it has only relative ones, which have no limit."""
        return int(config.max_position_embeddings) if config.position_biased_input else None
