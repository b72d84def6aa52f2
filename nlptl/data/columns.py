"""Chooses the column of a table for each role, such as text or label."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError, nearest
from nlptl.core.records import Column
from nlptl.data.near import difference, near_key, shown
from nlptl.data.table import Table

LONG_NAME = 60
"""A longer column "name" is probably a value."""

MANY_SPACES = 4
"""A column "name" with this many spaces is probably a sentence."""

ROWS_COMPARED = 1000
"""Number of rows in which a column's "name" is searched among the values."""


@dataclass(frozen=True)
class Choice:
    """The columns chosen from one table."""

    names: dict[str, str]
    """Column by role; without optional roles that were not found."""
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Wish:
    """Which columns to look for."""

    columns: Sequence[Column]
    config: DataConfig
    """Settings, which may name columns."""
    train: Mapping[str, str]
    """Columns found in train; other splits should have the same."""
    optional: Collection[str] = ()
    """Roles that may be missing here, even if the settings name them or the task requires them."""


def choose_columns(table: Table, wish: Wish) -> Choice:
    """Returns the column for each role: the one that the settings name, else that of train, else the first usual name.

    Raises:
        InputError: a required column, or one that the settings name, is not in the table.
    """
    by_hand = {c.role: n for c in wish.columns if (n := getattr(wish.config, c.role, None)) is not None}
    _refuse_shared(by_hand)
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
            raise _missing(table, column, given, {**by_hand, **names})
        if len(matches) > 1:
            left = ", ".join(map(repr, matches[1:]))
            notes.append(
                f"{column.role}: column {matches[0]!r} is used, not {left} ({_by_hand(column)} to choose another)"
            )
    return Choice(names, tuple(notes))


def _refuse_shared(by_hand: Mapping[str, str]) -> None:
    for first, second in combinations(by_hand, 2):
        if by_hand[first] == by_hand[second]:
            raise InputError(
                f"--data.{first} and --data.{second} both name the column {by_hand[first]!r}; name two "
                "different columns"
            )


def _matches(column: Column, present: Sequence[str], train: Mapping[str, str]) -> list[str]:
    if train.get(column.role) in present:
        return [train[column.role]]
    by_key: dict[str, str] = {}
    for name in present:
        by_key.setdefault(near_key(name), name)
    matches = [name if name in present else by_key.get(near_key(name)) for name in column.usual]
    return list(dict.fromkeys(name for name in matches if name))


def _missing(table: Table, column: Column, given: str | None, taken: Mapping[str, str]) -> InputError:
    wanted = repr(given) if given else f"one of {', '.join(column.usual)}"
    free = [name for name in table.columns if name not in taken.values()]
    headless = ""
    if table.headed and _looks_headless(table):
        headless = "; the file seems to have no header line (its first line looks like data): add one with column names"
    return InputError(
        f"{table.name} has no {column.role} column: expected {wanted}, found the columns "
        f"{', '.join(map(repr, table.columns))}{_hint(given, column, free)}{_taken(column, taken)}; "
        f"{_by_hand(column)}{headless}"
    )


def _hint(given: str | None, column: Column, free: Sequence[str]) -> str:
    same = next((name for name in free if given and near_key(name) == near_key(given)), None)
    if given and same:
        why = difference((given, same))
        return f" (did you mean {shown(same, why)}, which differs in {why}?)"
    return next(filter(None, (nearest(n, free) for n in ([given] if given else column.usual))), "")


def _taken(column: Column, taken: Mapping[str, str]) -> str:
    role = next((role for role, name in taken.items() if role != column.role and name in column.usual), None)
    return f"; the column {taken[role]!r} is already the {role}" if role else ""


def _by_hand(column: Column) -> str:
    """Returns advice on how to name the column; a role of a user's own task has no setting."""
    if column.role in DataConfig.__dataclass_fields__:
        return f"name it with --data.{column.role}"
    return f"rename it to {column.usual[0]!r}"


def _looks_headless(table: Table) -> bool:
    rows = table.rows[:ROWS_COMPARED]
    return any(_looks_like_value(name) or any(row[name] == name for row in rows) for name in table.columns)


def _looks_like_value(name: str) -> bool:
    return len(name) > LONG_NAME or bool(re.fullmatch(r"[+-]?\d+(\.\d+)?", name)) or name.count(" ") >= MANY_SPACES
