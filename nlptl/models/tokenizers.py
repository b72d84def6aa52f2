"""Loads a checkpoint's tokenizer and checks that it belongs to the model."""

from pathlib import Path

import torch
import transformers

from nlptl.core.config import ModelConfig
from nlptl.core.errors import InputError
from nlptl.core.parts import Tokenizer
from nlptl.core.records import LabelSpace

# Without any of these, transformers makes up a tokenizer that knows only special tokens.
VOCABULARIES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
)


def load_tokenizer(folder: Path) -> Tokenizer:
    """Returns the fast tokenizer of a folder.

    Raises:
        InputError: there is none.
    """
    if not any((folder / name).exists() for name in VOCABULARIES):
        raise InputError(f"{folder} has no tokenizer: expected tokenizer.json, found none of {', '.join(VOCABULARIES)}")
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # tokenizers raises plain Exceptions
        raise InputError(f"the tokenizer in {folder} cannot be loaded: {type(error).__name__}: {error}") from error
    if not tokenizer.is_fast:
        raise InputError(f"the tokenizer in {folder} has no tokenizer.json: save it with a current transformers")
    return tokenizer


def check_tokenizer(tokenizer: Tokenizer, n_rows: int, config: ModelConfig, *, writes: bool) -> None:
    """Checks a tokenizer against the model.

    Args:
        tokenizer: the checkpoint's.
        n_rows: number of ids that the model embeds.
        config: its name and length.
        writes: whether the model is an encoder-decoder, which reads and writes the end token.

    Raises:
        InputError: it gives ids that the model has no embedding for, lacks the end token that the model needs, or the
            length leaves no room for text.
    """
    largest = max(tokenizer.get_vocab().values())
    if largest >= n_rows:
        raise InputError(f"the tokenizer of {config.name} gives ids up to {largest}, the model embeds {n_rows}")
    n_special = tokenizer.num_special_tokens_to_add()
    if writes and tokenizer(["a"])["input_ids"][0][-1] != tokenizer.eos_token_id:
        raise InputError(
            f"the tokenizer of {config.name} does not end a text with {tokenizer.eos_token!r}: the model looks for it, "
            "and trained without it would never stop writing; load a tokenizer that adds it"
        )
    if config.max_length is not None and config.max_length <= n_special:
        raise InputError(f"model.max_length is {config.max_length}, but {n_special} tokens of it are special ones")


def label_words(tokenizer: Tokenizer, labels: LabelSpace) -> torch.Tensor:
    """Returns the tokens of the labels' names, int64 (classes, longest), -100 after each.

    Raises:
        InputError: two labels have the same tokens.
    """
    ids = tokenizer(list(labels.names))["input_ids"]
    if len({tuple(i) for i in ids}) < len(ids):
        raise InputError(f"model.head label_words: the tokenizer gives two of {labels.names} the same tokens")
    longest = max(map(len, ids))
    return torch.tensor([i + [-100] * (longest - len(i)) for i in ids])
