"""Halves of characters (lone surrogates), left where a program cut an emoji in two, or for bytes that are not UTF-8.

JSON writes them as escapes, Python's command line puts them in place of wrong bytes; no file can be written with them.
"""

import re
from collections.abc import Mapping

from nlptl.data.table import is_array

HALF = re.compile("[\ud800-\udfff]")
REPLACEMENT = "\ufffd"


def mended(text: str) -> str:
    """Returns a text with U+FFFD in place of each half of a character; offsets stay as they are."""
    return text if text.isascii() else HALF.sub(REPLACEMENT, text)


def has_half(value: object) -> bool:
    """Returns whether a text, or one in a list or an object, holds half a character."""
    if isinstance(value, str):
        return not value.isascii() and HALF.search(value) is not None
    if isinstance(value, Mapping):
        return any(map(has_half, value.values()))
    if is_array(value):
        value = value.tolist()  # type: ignore[attr-defined]
    return isinstance(value, list | tuple) and any(map(has_half, value))
