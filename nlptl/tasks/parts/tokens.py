"""Converts texts to flat token arrays: truncated, head and tail only, or in overlapping windows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeVar

from nlptl.core.errors import InputError
from nlptl.core.parts import Encoded, Tokenizer
from nlptl.core.records import Example, Features, Pretrained

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")
Long = Literal["truncate", "head+tail", "window"]
HEAD_SHARE = 0.25  # 128 of 510 tokens in Sun et al. 2019, "How to fine-tune BERT for text classification", section 5.3
CHUNK = 2_000  # texts per call, to limit the memory of the tokenizer's objects


@dataclass
class Pieces:
    """Token ids of features, in the order of their examples."""

    filler: int
    """Token id for an empty text, if the tokenizer adds no special tokens."""
    ids: "list[np.ndarray]" = field(default_factory=list)
    types: "list[np.ndarray]" = field(default_factory=list)
    """Token types; empty for models that have none."""
    example: list[int] = field(default_factory=list)
    """Index of each feature's example."""
    full_lengths: list[int] = field(default_factory=list)
    """Number of tokens of each example before truncation; with windows, at most `max_length`."""
    spans: "list[np.ndarray]" = field(default_factory=list)
    """int32 (tokens, 2) per feature: start and end of each token in the text, -1 for tokens outside it."""

    def features(self, labels: "np.ndarray") -> Features:
        """Returns the `Features`; labels are per feature, (n, ...)."""
        import numpy as np

        return Features(
            input_ids=np.concatenate(self.ids) if self.ids else np.zeros(0, np.int32),
            token_type_ids=np.concatenate(self.types) if self.types else None,
            offsets=np.cumsum([0, *map(len, self.ids)], dtype=np.int64),
            example=np.array(self.example, dtype=np.int64),
            labels=labels,
            full_lengths=np.array(self.full_lengths, dtype=np.int64),
            spans=np.concatenate(self.spans) if self.spans else None,
        )

    def add(self, ids: Sequence[int], types: Sequence[int] | None, example: int) -> None:
        """Adds a feature."""
        import numpy as np

        self.ids.append(np.asarray(ids or [self.filler], dtype=np.int32))
        if types is not None:
            self.types.append(np.asarray(types or [0], dtype=np.int8))
        self.example.append(example)


def read(examples: Sequence[Example], pretrained: Pretrained, long: Long, overlap: int) -> Pieces:
    """Returns the tokens of texts or pairs of texts.

    Args:
        examples: the rows; all or none have a `text_pair`.
        pretrained: the model, for its tokenizer and `max_length` (special tokens included).
        long: what happens to longer texts. truncate: the end is cut (in a pair, that of the longer text); head+tail:
            the middle is cut; window: nothing is cut, an example becomes several features.
        overlap: tokens that neighbouring windows share.

    Raises:
        InputError: the examples are pairs and `long` is not truncate.
    """
    pairs = any(e.text_pair is not None for e in examples)
    if pairs and long != "truncate":
        raise InputError(f"task.long {long} is for single texts, but these rows are pairs: set task.long truncate")
    if long == "window":
        return replace(windows(examples, pretrained, overlap, pairs=False), spans=[])
    return _cut(examples, pretrained) if long == "truncate" else _head_and_tail(examples, pretrained)


def windows(examples: Sequence[Example], pretrained: Pretrained, overlap: int, *, pairs: bool) -> Pieces:
    """Returns overlapping windows over the texts; for pairs over the second texts, each after the whole first text.

    Args:
        examples: the rows.
        pretrained: the model, for its tokenizer and `max_length`.
        overlap: tokens that neighbouring windows share, at most half a window.
        pairs: whether the windows are over `text_pair`; then each first text must leave room for it.
    """
    import numpy as np

    length = int(pretrained.config.max_length or 0)
    pieces = Pieces(_filler(pretrained.tokenizer))
    for start, chunk in _chunks(examples):
        first = len(pieces.ids)
        texts = [e.text for e in chunk]
        second = [str(e.text_pair or "") for e in chunk] if pairs else None
        encoded = _windowed(pretrained.tokenizer, texts, second, length, overlap)
        of = encoded["overflow_to_sample_mapping"]
        types = encoded.get("token_type_ids")
        for i, example in enumerate(of):
            pieces.add(encoded["input_ids"][i], None if types is None else types[i], start + example)
            moved = chunk[example].text_pair if pairs else chunk[example].text
            pieces.spans.append(_spans(encoded, i, int(pairs), str(moved or "")))
        totals = np.bincount(np.array(pieces.example[first:]) - start, [*map(len, pieces.ids[first:])])
        pieces.full_lengths += [min(length, int(n)) for n in totals]
    return pieces


def _windowed(tokenizer: Tokenizer, texts: list[str], second: list[str] | None, length: int, overlap: int) -> Encoded:
    room = length - tokenizer.num_special_tokens_to_add(pair=second is not None)
    return tokenizer(
        texts,
        second,
        truncation="only_first" if second is None else "only_second",
        max_length=length,
        stride=min(overlap, room // 2),
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        return_attention_mask=False,
        padding=False,
    )


def _spans(encoded: Encoded, i: int, side: int, text: str) -> "np.ndarray":
    import numpy as np

    in_text = np.array([s == side for s in encoded.sequence_ids(i)], bool)
    offsets = np.array(encoded["offset_mapping"][i]).reshape(-1, 2)
    spans = np.where(in_text[:, None], offsets, -1).astype(np.int32)
    blank = np.fromiter((c.isspace() for c in text), bool, len(text))
    while True:  # some tokenizers include the blanks before a word
        moving = np.flatnonzero(spans[:, 1] > spans[:, 0])
        moving = moving[blank[spans[moving, 0]]]
        if not len(moving):
            return spans if len(spans) else np.full((1, 2), -1, np.int32)
        spans[moving, 0] += 1


def _filler(tokenizer: Tokenizer) -> int:
    ids = (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.unk_token_id, 0)
    return int(next(i for i in ids if i is not None))


def _cut(examples: Sequence[Example], pretrained: Pretrained) -> Pieces:
    length = int(pretrained.config.max_length or 0)
    pieces = Pieces(_filler(pretrained.tokenizer))
    for start, chunk in _chunks(examples):
        encoded = encode(chunk, pretrained.tokenizer, length)
        _add_all(pieces, encoded, start)
        lengths = [len(i) for i in encoded["input_ids"]]
        long = [i for i, n in enumerate(lengths) if n >= length]
        whole = encode([chunk[i] for i in long], pretrained.tokenizer, None)["input_ids"] if long else []
        for i, ids in zip(long, whole, strict=True):
            lengths[i] = len(ids)
        pieces.full_lengths += lengths
    return pieces


def _head_and_tail(examples: Sequence[Example], pretrained: Pretrained) -> Pieces:
    length = int(pretrained.config.max_length or 0)
    pieces = Pieces(_filler(pretrained.tokenizer))
    for start, chunk in _chunks(examples):
        encoded = encode(chunk, pretrained.tokenizer, None)
        pieces.full_lengths += [len(ids) for ids in encoded["input_ids"]]
        for values in encoded.values():
            values[:] = [head_and_tail(row, length) for row in values]
        _add_all(pieces, encoded, start)
    return pieces


def head_and_tail(row: list[T], length: int) -> list[T]:
    """Returns a row without its middle if it is longer than `length`."""
    head = max(1, round(length * HEAD_SHARE))
    return row if len(row) <= length else row[:head] + row[head - length :]


def encode(examples: Sequence[Example], tokenizer: Tokenizer, max_length: int | None, **options: bool) -> Encoded:
    """Returns the tokens of texts or pairs of texts.

    Args:
        examples: the rows.
        tokenizer: of the model.
        max_length: most tokens of a row; None: nothing is cut.
        options: further options of the tokenizer.
    """
    texts = [e.text for e in examples]
    pairs = [e.text_pair or "" for e in examples] if any(e.text_pair is not None for e in examples) else None
    options = {"return_attention_mask": False, "padding": False, "verbose": False, **options}
    if max_length is None:
        return tokenizer(texts, pairs, truncation=False, **options)
    return tokenizer(texts, pairs, truncation="longest_first", max_length=max_length, **options)


def _add_all(pieces: Pieces, encoded: Encoded, start: int) -> None:
    types = encoded.get("token_type_ids")
    for i, ids in enumerate(encoded["input_ids"]):
        pieces.add(ids, None if types is None else types[i], start + i)


def _chunks(examples: Sequence[Example]) -> Iterator[tuple[int, Sequence[Example]]]:
    for start in range(0, len(examples), CHUNK):
        yield start, examples[start : start + CHUNK]
