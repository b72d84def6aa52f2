"""Which characters of the texts each token covers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nlptl.core.records import Example, Pretrained
from nlptl.tasks.parts import tokens

if TYPE_CHECKING:
    import numpy as np

    from nlptl.core.parts import Encoded

OF_NO_TEXT = (-1, -1, -1)


def characters(examples: Sequence[Example], pretrained: Pretrained, long: tokens.Long, overlap: int) -> "np.ndarray":
    """Returns the characters of each token, in the order of `tokens.read`: see `nlptl.core.protocols.Locating`.

    Args:
        examples: as in `tokens.read`.
        pretrained: as in `tokens.read`.
        long: as in `tokens.read`.
        overlap: as in `tokens.read`.
    """
    import numpy as np

    if long == "window":
        spans = np.concatenate(tokens.windows(examples, pretrained, overlap, pairs=False).spans)
        return np.column_stack([np.where(spans[:, 0] < 0, -1, 0), spans]).astype(np.int32)
    length = int(pretrained.config.max_length or 0)
    encoded = tokens.encode(
        examples, pretrained.tokenizer, length if long == "truncate" else None, return_offsets_mapping=True
    )
    rows = [_row(encoded, i) for i in range(len(examples))]
    if long == "head+tail":
        rows = [tokens.head_and_tail(row, length) for row in rows]
    return np.array([token for row in rows for token in row], np.int32)


def _row(encoded: "Encoded", i: int) -> list[tuple[int, int, int]]:
    offsets, texts = encoded["offset_mapping"][i], encoded.sequence_ids(i)
    row = [OF_NO_TEXT if text is None else (text, *ends) for text, ends in zip(texts, offsets, strict=True)]
    return row or [OF_NO_TEXT]  # as `Pieces.add`
