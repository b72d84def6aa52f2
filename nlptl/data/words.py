"""Reads words and their offsets in the text."""

import re
from itertools import accumulate
from typing import NamedTuple

from nlptl.core.errors import InputError
from nlptl.data.lists import as_list
from nlptl.data.table import Cells, is_missing
from nlptl.data.texts import text_of

Offsets = tuple[tuple[int, int], ...]
"""Start and end of each word in the text, in characters."""


class Words(NamedTuple):
    """The words of one row."""

    text: str
    offsets: Offsets
    listed: bool
    """Whether the data has a list of words; if not, the text was split at white space."""


def read_words(cells: Cells) -> list[Words]:
    """Returns the words of each row; a row with a missing value has none.

    Raises:
        InputError: a cell is neither a list of words nor a text.
    """
    return [_words(value, here) for value, here in cells]


def pieces(text: str) -> Offsets:
    """Returns the offsets of a text's words, split at white space."""
    return tuple(match.span() for match in re.finditer(r"\S+", text))


def punctuation_apart(words: Words) -> Words:
    """Returns the words of a plain text, with punctuation split off as separate words, as in tagged data sets."""
    if words.listed:
        return words
    matches = re.finditer(r"\w(?:\S*\w)?|[^\w\s]", words.text)
    return words._replace(offsets=tuple(match.span() for match in matches))


def _words(value: object, here: str) -> Words:
    listed = as_list(value, here)
    # A plain text may also begin with a bracket: "[1] and [2]".
    if isinstance(value, str) and not (listed and all(isinstance(word, str) for word in listed)):
        listed = None
    if listed is None:
        text = text_of(value, here)
        return Words(text, pieces(text), listed=False)
    return _joined([_word(word, here) for word in listed])


def _word(word: object, here: str) -> str:
    if is_missing(word):
        raise InputError(f"{here}: a word in the list is missing; add it, or remove its tag too")
    return text_of(word, here)


def _joined(words: list[str]) -> Words:
    ends = list(accumulate(words, lambda end, word: end + 1 + len(word), initial=-1))[1:]
    offsets = tuple((end - len(word), end) for word, end in zip(words, ends, strict=True))
    return Words(" ".join(words), offsets, listed=True)
