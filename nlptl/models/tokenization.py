"""Turns examples into flat token arrays, once."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nlptl.records import Example, Features, LabelSpace

CHUNK = 10_000  # texts a call, so that the tokenizer's own objects stay small


def tokenize(examples: Sequence[Example], tokenizer: Any, max_length: int, labels: LabelSpace) -> Features:
    """Returns one feature an example, cut to `max_length` tokens; of a pair the longer text is cut first.

    Args:
        examples: the rows; all or none have a `text_pair`.
        tokenizer: a fast tokenizer.
        max_length: tokens kept, special tokens included.
        labels: the classes; a label outside of them (or no label) becomes -1.
    """
    ids: list[np.ndarray] = []
    types: list[np.ndarray] = []
    full: list[int] = []
    for start in range(0, len(examples), CHUNK):
        encoded, lengths = _encode(examples[start : start + CHUNK], tokenizer, max_length)
        ids += [np.asarray(i, dtype=np.int32) for i in encoded["input_ids"]]
        types += [np.asarray(t, dtype=np.int8) for t in encoded.get("token_type_ids", [])]
        full += lengths
    class_ids = {name: i for i, name in enumerate(labels.names)}
    return Features(
        input_ids=np.concatenate(ids) if ids else np.zeros(0, np.int32),
        token_type_ids=np.concatenate(types) if types else None,
        offsets=np.cumsum([0, *map(len, ids)], dtype=np.int64),
        example=np.arange(len(examples)),
        labels=np.array([class_ids.get(str(e.label), -1) for e in examples], dtype=np.int64),
        full_lengths=np.array(full, dtype=np.int64),
    )


def _encode(examples: Sequence[Example], tokenizer: Any, max_length: int) -> tuple[Any, list[int]]:
    texts = [e.text for e in examples]
    pairs = [e.text_pair or "" for e in examples] if any(e.text_pair is not None for e in examples) else None
    options = {"return_attention_mask": False, "padding": False}
    encoded = tokenizer(texts, pairs, truncation="longest_first", max_length=max_length, **options)
    lengths = [len(i) for i in encoded["input_ids"]]
    long = [i for i, n in enumerate(lengths) if n >= max_length]
    if long:
        whole = tokenizer(
            [texts[i] for i in long], pairs and [pairs[i] for i in long], truncation=False, verbose=False, **options
        )
        for i, tokens in zip(long, whole["input_ids"], strict=True):
            lengths[i] = len(tokens)
    return encoded, lengths
