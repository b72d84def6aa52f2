"""Which column of a table plays which role."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError, nearest
from nlptl.core.records import Column
from nlptl.data.table import Table

LONG_NAME = 60
"""Characters above which a column's "name" is taken for a value."""

MANY_SPACES = 4
"""Spaces from which on a column's "name" is taken for a sentence."""

ROWS_COMPARED = 1000
"""Rows in which a column's "name" is looked for among its values."""


@dataclass(frozen=True)
class Choice:
    """The columns chosen in one table."""

    names: dict[str, str]
    """Column by role; optional roles that were not found are left out."""
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Wish:
    """Which columns are looked for."""

    columns: Sequence[Column]
    config: DataConfig
    """Names some columns by hand."""
    train: Mapping[str, str]
    """Columns found in train, which other splits are expected to share."""
    optional: Collection[str] = ()
    """Roles that may be missing here, even if named by hand or required elsewhere."""


def choose_columns(table: Table, wish: Wish) -> Choice:
    """Returns the column for each role: the one named by hand, else train's, else the first usual name.

    Raises:
        InputError: a required column, or one named by hand, is not in the table.
    """
    by_hand = {c.role: n for c in wish.columns if (n := getattr(wish.config, c.role, None)) is not None}
    names: dict[str, str] = {}
    notes: list[str] = []
    for column in wish.columns:
        given = by_hand.get(column.role)
        taken = {*names.values(), *by_hand.values()}
        matches = [given] if given else _matches(column, [c for c in table.columns if c not in taken], wish.train)
        matches = [name for name in matches if name in table.columns]
        if matches:
            names[column.role] = matches[0]
        elif column.role not in wish.optional and (given or column.required):
            raise _missing(table, column, given)
        if len(matches) > 1:
            left = ", ".join(map(repr, matches[1:]))
            notes.append(
                f"{column.role}: took column {matches[0]!r}, left {left} ({_by_hand(column)} to choose another)"
            )
    return Choice(names, tuple(notes))


def _matches(column: Column, present: Sequence[str], train: Mapping[str, str]) -> list[str]:
    if train.get(column.role) in present:
        return [train[column.role]]
    lowered: dict[str, str] = {}
    for name in present:
        lowered.setdefault(name.lower(), name)
    found = [name if name in present else lowered.get(name.lower()) for name in column.usual]
    return list(dict.fromkeys(name for name in found if name))


def _missing(table: Table, column: Column, given: str | None) -> InputError:
    wanted = repr(given) if given else f"one of {', '.join(column.usual)}"
    hint = next(filter(None, (nearest(n, table.columns) for n in ([given] if given else column.usual))), "")
    headless = ""
    if table.headed and _looks_headless(table):
        headless = "; the file seems to have no header line: its first line looks like data, add one with the names"
    return InputError(
        f"{table.name} has no {column.role} column: expected {wanted}, found the columns "
        f"{', '.join(map(repr, table.columns))}{hint}; {_by_hand(column)}{headless}"
    )


def _by_hand(column: Column) -> str:
    """Returns how a column is named by hand; a role of a user's own task has no setting."""
    if column.role in DataConfig.__dataclass_fields__:
        return f"name it with --data.{column.role}"
    return f"rename it to {column.usual[0]!r}"


def _looks_headless(table: Table) -> bool:
    some = table.rows[:ROWS_COMPARED]
    return any(_looks_like_value(name) or any(row[name] == name for row in some) for name in table.columns)


def _looks_like_value(name: str) -> bool:
    return len(name) > LONG_NAME or bool(re.fullmatch(r"[+-]?\d+(\.\d+)?", name)) or name.count(" ") >= MANY_SPACES
