"""Lone surrogates (halves of characters): a program cut an emoji in two, or bytes were not UTF-8.

JSON can hold them as escapes, and Python's command line uses them for invalid bytes, but UTF-8 files cannot hold them.
"""

import re
from collections.abc import Mapping

from nlptl.data.table import is_array

HALF = re.compile("[\ud800-\udfff]")
REPLACEMENT = "\ufffd"


def mended(text: str) -> str:
    """Returns a text with U+FFFD for each lone surrogate; offsets do not change."""
    return text if text.isascii() else HALF.sub(REPLACEMENT, text)


def has_half(value: object) -> bool:
    """Returns whether a string, or any string inside a list or object, holds a lone surrogate."""
    if isinstance(value, str):
        return not value.isascii() and HALF.search(value) is not None
    if isinstance(value, Mapping):
        return any(map(has_half, value.values()))
    if is_array(value):
        value = value.tolist()  # type: ignore[attr-defined]
    return isinstance(value, list | tuple) and any(map(has_half, value))
