"""The rows of one split as in the source, before columns are chosen, and the cells of one column."""

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from nlptl.core.errors import InputError

Row = Mapping[str, object]


def is_missing(value: object) -> bool:
    """Returns whether a value is missing: None, NaN, or pandas' NA or NaT."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return True
    pandas = sys.modules.get("pandas")
    return pandas is not None and (value is pandas.NA or value is pandas.NaT)


def is_array(value: object) -> bool:
    """Returns whether a value is an array with at least one dimension; data frames often hold lists as arrays."""
    n_dimensions: object = getattr(value, "ndim", None)
    return isinstance(n_dimensions, int) and n_dimensions > 0


@dataclass(frozen=True)
class Cells:
    """One column of a table."""

    values: Sequence[object]
    where: str
    """Name of the table and column, for messages."""
    only_strings: bool = False
    """Whether all values are strings, as in csv."""
    first: int = 0
    """Row id of the first value."""

    def __iter__(self) -> Iterator[tuple[object, str]]:
        """Yields each value with the name of its place for messages."""
        return ((value, f"{self.where}, row {row}") for row, value in enumerate(self.values, self.first))


@dataclass(frozen=True)
class Table:
    """Named rows; a row's position in its source is its row id."""

    name: str
    """Name in messages, such as the path of the file."""
    rows: Sequence[Row]
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Class names by column, in order, if the source declares them."""
    headed: bool = False
    """Whether the source is a csv, tsv or xlsx file: no cell holds a list, and the header line may be missing."""
    first: int = 0
    """Row id of the first row; not 0 if the table is a later part of a file."""
    notes: tuple[str, ...] = ()
    """Decisions made while reading, to report to the user."""

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns of all rows, in order of first appearance."""
        return tuple(dict.fromkeys(column for row in self.rows for column in row))

    def cells(self, column: str) -> Cells:
        """Returns the values of a column; None for rows that lack it."""
        return Cells([row.get(column) for row in self.rows], f"{self.name}, column {column!r}", self.headed, self.first)


def refuse_twice(names: Sequence[str], where: str) -> None:
    """Raises an InputError if two columns have the same name, because one would be lost; blank names are ignored."""
    twice = next((name for i, name in enumerate(names) if name and name in names[:i]), None)
    if twice is not None:
        raise InputError(f"{where} names {twice!r} twice; rename or remove one of them")
