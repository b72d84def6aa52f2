"""Labels of any type as names."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from nlptl.core.errors import InputError, nearest
from nlptl.core.records import Output
from nlptl.data.bio import renamed_tag, types_in
from nlptl.data.table import is_missing

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
    names = [name_of(value, f"{where}, row {row}") for row, value in enumerate(values)]
    plain = plain_numbers({name for name in names if name is not None})
    return [plain[name] if name is not None else None for name in names]


def name_of(value: object, here: str) -> str | None:
    """Returns one label as a name, None where it is missing or blank.

    Raises:
        InputError: it is a list or another thing that is no name.
    """
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
    return _other(value, here)


def plain_numbers(names: set[str]) -> dict[str, str]:
    """Returns each name without an empty fraction where all are numbers, else as it is."""
    if all(map(NUMBER.fullmatch, names)):
        return {name: EMPTY_FRACTION.sub("", name) for name in names}
    return {name: name for name in names}


def names_in(label: Any, output: Output | None) -> tuple[str, ...]:
    """Returns the names that a label consists of: its classes, or the entity types of its tags; none for others."""
    if label is None or output not in ("class", "classes", "tags"):
        return ()
    if output == "tags":
        return types_in(label)
    return (label,) if output == "class" else tuple(label)


def renamed(label: Any, mapping: Mapping[str, str], output: Output | None) -> Any:
    """Returns a label under its new names; names without one stay."""
    if label is None:
        return None
    if output == "classes":
        return tuple(sorted(set(renamed_names(label, mapping, output))))
    return renamed_names(label, mapping, output) if output == "tags" else mapping.get(label, label)


def renamed_names(names: Sequence[str], mapping: Mapping[str, str], output: Output | None) -> tuple[str, ...]:
    """Returns names, or tags, as they are called now; those without a new name stay."""
    if output == "tags":
        return tuple(renamed_tag(tag, mapping) for tag in names)
    return tuple(mapping.get(name, name) for name in names)


def renaming(mapping: Mapping[str, str] | None, output: Output | None) -> dict[str, str]:
    """Returns `data.label_names` with its keys as names too, since in Python they may be written as numbers.

    Raises:
        InputError: the labels are numbers or texts, which have no names.
    """
    if mapping and output in ("number", "span", "text"):
        raise InputError(
            f"data.label_names renames labels, but what is to be predicted here is a {output}; leave data.label_names "
            "out"
        )
    return {name_of(raw, "data.label_names") or "": str(new) for raw, new in (mapping or {}).items()}


def check_renaming(mapping: Mapping[str, str], found: Sequence[str]) -> None:
    """Raises `InputError` where `data.label_names` renames a label that no row has."""
    unknown = [raw for raw in mapping if raw not in found]
    if unknown:
        raise InputError(
            f"data.label_names renames {unknown[0]!r}, which no row has{nearest(unknown[0], found)}; "
            f"labels found: {', '.join(found)}"
        )


def _other(value: object, here: str) -> str | None:
    # numpy's scalars are none of Python's types, but know which one they stand for.
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "ndim", None) == 0:
        return name_of(item(), here)
    raise InputError(f"{here}: the label is a {type(value).__name__}, expected a name or a number")
