"""Labels of any type as names."""

import re
from collections.abc import Mapping, Sequence

from nlptl.data.table import is_missing
from nlptl.errors import InputError, nearest

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
EMPTY_FRACTION = re.compile(r"(?<=\d)\.0*$")


def label_names(values: Sequence[object], where: str) -> list[str | None]:
    """Returns each label as a name, None where it is missing or blank.

    Booleans become "true" and "false", numbers lose an empty fraction (4.0 is "4"), and so do strings, but only
    where all of them are numbers: then "4.0" and "4" are the same stars, while in "v4.0" nothing may change.

    Args:
        values: the label column.
        where: the table and column, for messages.

    Raises:
        InputError: a label is a list or another thing that is no name.
    """
    names = [_name(value, row, where) for row, value in enumerate(values)]
    if all(NUMBER.fullmatch(name) for name in set(names) if name is not None):
        return [EMPTY_FRACTION.sub("", name) if name is not None else None for name in names]
    return names


def renaming(mapping: Mapping[str, str] | None) -> dict[str, str]:
    """Returns `data.label_names` with its keys as names too, since in Python they may be written as numbers."""
    return {_name(raw, 0, "data.label_names") or "": str(new) for raw, new in (mapping or {}).items()}


def check_renaming(mapping: Mapping[str, str], found: Sequence[str]) -> None:
    """Raises `InputError` where `data.label_names` renames a label that no row has."""
    unknown = [raw for raw in mapping if raw not in found]
    if unknown:
        raise InputError(
            f"data.label_names renames {unknown[0]!r}, which no row has{nearest(unknown[0], found)}; "
            f"labels found: {', '.join(found)}"
        )


def _name(value: object, row: int, where: str) -> str | None:
    if is_missing(value):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    return _other(value, row, where)


def _other(value: object, row: int, where: str) -> str | None:
    # numpy's scalars are none of Python's types, but know which one they stand for.
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "ndim", None) == 0:
        return _name(item(), row, where)
    raise InputError(f"{where}, row {row}: the label is a {type(value).__name__}, expected a name or a number")
