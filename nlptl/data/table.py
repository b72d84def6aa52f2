"""The rows of one split as a source gives them, before columns are chosen, and the cells of one column."""

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from nlptl.core.errors import InputError

Row = Mapping[str, object]


def is_missing(value: object) -> bool:
    """Returns whether a value stands for none: None, not-a-number, or what pandas has in their place."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return True
    pandas = sys.modules.get("pandas")
    return pandas is not None and (value is pandas.NA or value is pandas.NaT)


def is_array(value: object) -> bool:
    """Returns whether a value is an array of one or more dimensions, as data frames hold lists."""
    n_dimensions: object = getattr(value, "ndim", None)
    return isinstance(n_dimensions, int) and n_dimensions > 0


@dataclass(frozen=True)
class Cells:
    """One column of a table."""

    values: Sequence[object]
    where: str
    """What messages call it: the table and the column's name."""
    only_strings: bool = False
    """Whether the file's type has no values but strings, as csv."""
    first: int = 0
    """Row id of the first value."""

    def __iter__(self) -> Iterator[tuple[object, str]]:
        """Yields each value with what messages call its place."""
        return ((value, f"{self.where}, row {row}") for row, value in enumerate(self.values, self.first))


@dataclass(frozen=True)
class Table:
    """Named rows; a row's position in its source is its row id."""

    name: str
    """What messages call it, such as the file's path."""
    rows: Sequence[Row]
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of the classes by column, in order, where the source declares them."""
    headed: bool = False
    """Whether it is a csv, tsv or xlsx file: no cell holds a list, and the line with the names may be missing."""
    first: int = 0
    """Row id of the first row, where this is a part of a file."""
    notes: tuple[str, ...] = ()
    """What was decided in reading it, to be told."""

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns of all rows, in the order of their first appearance."""
        return tuple(dict.fromkeys(column for row in self.rows for column in row))

    def cells(self, column: str) -> Cells:
        """Returns the values of a column, None where a row lacks it."""
        return Cells([row.get(column) for row in self.rows], f"{self.name}, column {column!r}", self.headed, self.first)


def refuse_twice(names: Sequence[str], where: str) -> None:
    """Raises `InputError` if two columns have the same name, of which one would be lost; unnamed ones do not count."""
    twice = next((name for i, name in enumerate(names) if name and name in names[:i]), None)
    if twice is not None:
        raise InputError(f"{where} names {twice!r} twice; rename or remove one of the two")
