"""Reads several labels per row."""

from nlptl.core.errors import InputError
from nlptl.data.labels import name_of
from nlptl.data.lists import as_list, shortened
from nlptl.data.table import Cells, is_missing


def label_lists(cells: Cells, separator: str) -> tuple[list[tuple[str, ...] | None], list[str]]:
    """Returns the distinct labels of each row, sorted (None for a missing value), and notes.

    An empty list or string means that the row has no label; blank names in a list are ignored.

    Args:
        cells: lists, or strings with several names.
        separator: separator of the names in a string.

    Raises:
        InputError: a cell is neither, or looks like a list but cannot be parsed.
    """
    rows = [_names(value, here, separator) for value, here in cells]
    labels = [None if names is None else tuple(sorted(set(names))) for names in rows]
    return labels, _notes(cells, separator)


def _names(value: object, here: str, separator: str) -> list[str] | None:
    if is_missing(value):
        return None
    values = as_list(value, here)
    if values is None:
        if isinstance(value, str) and value.strip().startswith("["):
            raise InputError(
                f'{here}: found {shortened(value)}, expected a list such as ["a", "b"], or names '
                f"separated by {separator!r}"
            )
        values = list(value.split(separator)) if isinstance(value, str) else [value]
    return [name for name in (name_of(item, here) for item in values) if name is not None]


def _notes(cells: Cells, separator: str) -> list[str]:
    n = sum(isinstance(value, str) and not value.strip().startswith("[") for value in cells.values)
    if cells.only_strings or not n:
        return []
    return [f"{cells.where}: {n} of {len(cells.values)} labels are strings, not lists; split at {separator!r}"]
