"""What models share that are run on padded batches, through transformers' own forward."""

from typing import Any, ClassVar

import torch
from torch import nn

from nlptl.core.kinds import WRITER, Head, Kind
from nlptl.core.parts import SubLayers
from nlptl.core.records import Batch
from nlptl.models.family import ENCODER
from nlptl.models.heads.base import head_of
from nlptl.models.padding import NAME, pad


class Padded:
    """A family whose batches are padded; a subclass names its model types and says where its layers are."""

    model_types: ClassVar[tuple[str, ...]]
    attention: ClassVar[str] = NAME
    packs: ClassVar[bool] = False
    heads: ClassVar[tuple[Head, ...]] = ENCODER
    refused: ClassVar[dict[Head, str]] = {WRITER: "an encoder reads, it does not write: choose a T5 or BART"}
    backbone_options: ClassVar[dict[str, Any]] = {}
    reads_types: ClassVar[bool] = False
    """Whether it embeds which text of a pair a token belongs to; tokenizers say it to other models, too."""
    sub_layers: ClassVar[SubLayers]
    above: ClassVar[tuple[str, ...]] = ()
    dropout_fields: ClassVar[tuple[str, ...]]
    drops_by_row: ClassVar[bool] = True

    def backbone_class(self, model_type: str) -> str | type:
        """Returns the class of the encoder alone, over which a head of our own is put, or transformers' name of it."""
        return "AutoModel"

    def max_length(self, config: Any) -> int | None:
        """Returns the most tokens a sequence may have; None if there is no limit."""
        return int(config.max_position_embeddings)

    def layers(self, backbone: nn.Module) -> nn.ModuleList:
        """Returns the encoder's layers, first to last."""
        return backbone.encoder.layer  # type: ignore[union-attr, return-value]

    def embeddings(self, backbone: nn.Module) -> nn.Module:
        """Returns the module below the first layer."""
        return backbone.embeddings  # type: ignore[return-value]

    def inputs(self, config: Any, batch: Batch) -> dict[str, Any]:
        """Returns the padded batch, (n, longest) each, as the arguments of transformers' forward."""
        filler = 0 if config.pad_token_id is None else config.pad_token_id  # the mask hides it
        input_ids, mask = pad(batch, batch.input_ids, filler)
        given = {"input_ids": input_ids, "attention_mask": mask}
        if self.reads_types and batch.token_type_ids is not None:
            given["token_type_ids"] = pad(batch, batch.token_type_ids, 0)[0]
        return given

    def states(self, backbone: nn.Module, batch: Batch) -> torch.Tensor:
        """Returns the encoder's last states, (n_tokens, hidden)."""
        given = self.inputs(backbone.config, batch)
        hidden = backbone(**given).last_hidden_state  # (n, longest, hidden)
        states: torch.Tensor = hidden[given["attention_mask"].bool()]
        return states

    def logits(self, net: nn.Module, batch: Batch, kind: Kind) -> torch.Tensor:
        """Returns the logits of transformers' own head: (n, classes), of tags and spans (n_tokens, classes)."""
        given = self.inputs(net.config, batch)
        by_place = head_of(kind.head).by_place(net(**given))
        return by_place if kind.by_row else by_place[given["attention_mask"].bool()]


def last(states: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Returns the states of each row's last token, (n, hidden), from those of the padded rows, (n, longest, hidden)."""
    return states[torch.arange(len(states), device=states.device), batch.lengths.to(states.device) - 1]
