"""Converts labels of any type to names, by the same rule for every source: `name_of`."""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from nlptl.core.errors import InputError, nearest
from nlptl.core.kinds import Kind
from nlptl.data.characters import has_half
from nlptl.data.near import NUMBER
from nlptl.data.table import is_missing

BOOLEAN = re.compile("true|false", re.IGNORECASE)
EMPTY_FRACTION = re.compile(r"(?<=\d)\.0*$")


def label_names(values: Sequence[object], where: str) -> list[str | None]:
    """Returns each label as a name; None if it is missing or blank.

    Args:
        values: the label column.
        where: the table and column, for messages.

    Raises:
        InputError: see `name_of`.
    """
    return [name_of(value, f"{where}, row {row}") for row, value in enumerate(values)]


def name_of(value: object, here: str) -> str | None:
    """Returns one label as a name; None if it is missing or blank.

    A label has the same name in every file format, in frames and in Python, and does not depend on other rows:
    * surrounding blanks are removed;
    * booleans become "true" and "false", also if written True or TRUE;
    * whole numbers lose an empty fraction: 4.0 and "4.0" become "4";
    * everything else is unchanged, so case, inner blanks and the zeros of "007" matter.
    The rule also applies to the names in `data.label_names`.

    Args:
        value: the label.
        here: its place, for messages.

    Raises:
        InputError: the label is neither a name nor a number, or contains a lone surrogate.
    """
    if is_missing(value):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _written(value, here)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | float | Decimal):
        return _written(str(value), here)
    return _other(value, here)


def _written(value: str, here: str) -> str | None:
    name = value.strip()
    if has_half(name):
        raise InputError(
            f"{here}: the label {name!r} holds half a character (a lone surrogate, such as half of an emoji); correct "
            "it, because two labels could become one"
        )
    if BOOLEAN.fullmatch(name):
        return name.lower()
    return (EMPTY_FRACTION.sub("", name) if NUMBER.fullmatch(name) else name) or None


def renaming(mapping: Mapping[str, str] | None, kind: Kind | None) -> dict[str, str]:
    """Returns `data.label_names` with `name_of` applied to keys and values.

    Args:
        mapping: the user's labels and their new names.
        kind: the kind of answers; None if the data has no labels.

    Raises:
        InputError: answers of this kind hold no names; a name is blank; a label is renamed twice.
    """
    if mapping and kind is not None and kind.names is None:
        raise InputError(
            f"data.label_names renames labels, but this task predicts a {kind.name}; leave data.label_names out"
        )
    names: dict[str, str] = {}
    for raw, new in (mapping or {}).items():
        old, name = name_of(raw, "data.label_names"), name_of(new, "data.label_names")
        if old is None or name is None:
            raise InputError(f"data.label_names has a blank name, {raw!r}: {new!r}; give the label and its new name")
        if names.setdefault(old, name) != name:
            raise InputError(f"data.label_names renames the label {old!r} twice, to {names[old]!r} and {name!r}")
    return names


def names_known(names: Iterable[str]) -> dict[str, str]:
    """Returns the model's name for each label that `name_of` would write differently.

    Earlier versions kept "True" and "2.0" of csv files; so their models can still be evaluated on such files.
    """
    known = set(names)
    return {name: old for old in known if (name := name_of(old, "the model's labels")) and name not in known}


def check_renaming(mapping: Mapping[str, str], found: Sequence[str]) -> None:
    """Raises an InputError if `data.label_names` renames a label that no row has."""
    unknown = [raw for raw in mapping if raw not in found]
    if unknown:
        raise InputError(
            f"data.label_names renames {unknown[0]!r}, which no row has{nearest(unknown[0], found)}; "
            f"labels found: {', '.join(found)}"
        )


def _other(value: object, here: str) -> str | None:
    # numpy's scalars are not Python's types; `item` converts them.
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "ndim", None) == 0:
        return name_of(item(), here)
    raise InputError(f"{here}: the label is a {type(value).__name__}, expected a name or a number")
