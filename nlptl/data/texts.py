"""Reads texts: inputs and target texts."""

from collections.abc import Mapping

from nlptl.core.errors import InputError
from nlptl.data.characters import mended
from nlptl.data.lists import as_list
from nlptl.data.table import Cells, is_array, is_missing


def text_of(value: object, here: str) -> str:
    """Returns a cell as a text: empty if it is missing, with U+FFFD for lone surrogates.

    Raises:
        InputError: the cell is a list, an object, bytes or an array.
    """
    if isinstance(value, str):
        return mended(value)
    if is_missing(value):
        return ""
    if isinstance(value, Mapping | list | tuple | set | bytes) or is_array(value):
        raise InputError(f"{here}: the text is a {type(value).__name__}, expected a string")
    return str(value)


def target_texts(cells: Cells) -> list[str | None]:
    """Returns each target text; None if it is missing or blank.

    Raises:
        InputError: a target is a list, an object, bytes or an array.
    """
    return [_target(value, here) for value, here in cells]


def _target(value: object, here: str) -> str | None:
    texts = as_list(value, here) if not isinstance(value, str) else None
    if texts is not None:
        raise InputError(
            f"{here}: found a list of {len(texts)} target texts, expected one string; give each text a row of its own, "
            "or keep the best one"
        )
    text = text_of(value, here)
    return text if text.strip() else None
