"""The rows of one split as a source gives them, before columns are chosen."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

Row = Mapping[str, object]


def is_missing(value: object) -> bool:
    """Returns whether a value stands for none: None, or the not-a-number that data frames use."""
    return value is None or (isinstance(value, float) and math.isnan(value))


@dataclass(frozen=True)
class Table:
    """Named rows; a row's position is its row id."""

    name: str
    """What messages call it, such as the file's path."""
    rows: Sequence[Row]
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of the classes by column, in order, where the source declares them."""
    headed: bool = False
    """Whether the columns' names were a line of a file, which may be missing."""

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns of all rows, in the order of their first appearance."""
        return tuple(dict.fromkeys(column for row in self.rows for column in row))
