"""Reads lists in a cell: lists, arrays, or lists written as a string."""

import ast
import io
import json
import tokenize
import warnings
from itertools import pairwise

from nlptl.core.errors import InputError
from nlptl.data.table import is_array

NOT_PYTHON = (ValueError, SyntaxError, TypeError, MemoryError, RecursionError)


def as_list(value: object, here: str) -> list[object] | None:
    """Returns the list in a cell, also if written as a string; None if the cell holds something else.

    Args:
        value: the cell; an array counts as a list.
        here: the cell's place, for messages.

    Raises:
        InputError: see `written`.
    """
    if isinstance(value, str):
        value = written(value, here)
    if isinstance(value, list | tuple):
        return list(value)
    if is_array(value) and hasattr(value, "tolist"):
        return list(value.tolist())
    return None


def written(text: str, here: str) -> object | None:
    """Parses a JSON or Python-literal list or object; returns None for any other string.

    Raises:
        InputError: a list of strings has no commas, as numpy writes it; Python would join the strings.
    """
    text = text.strip()
    if not text.startswith(("[", "{")):
        return None
    try:
        return json.loads(text)  # type: ignore[no-any-return]
    except (ValueError, RecursionError):
        pass
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns of backslashes in the user's text
            value: object = ast.literal_eval(text)
    except NOT_PYTHON:
        return None
    if _lacks_commas(text):
        raise InputError(
            f"{here}: found a list without commas, as numpy writes it: {shortened(text)}; write it as JSON, such as "
            '["a", "b"] (json.dumps(list(value)))'
        )
    return value


def shortened(value: object) -> str:
    """Returns the repr of a value for a message, at most 60 characters."""
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _lacks_commas(text: str) -> bool:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    kinds = [token.type for token in tokens if token.type not in (tokenize.NL, tokenize.NEWLINE)]
    return any(first == second == tokenize.STRING for first, second in pairwise(kinds))
