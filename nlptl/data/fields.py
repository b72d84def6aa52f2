"""The fields of examples while a table is read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from nlptl.core.errors import InputError
from nlptl.data.table import Table
from nlptl.data.words import Words

T = TypeVar("T")


@dataclass
class Fields:
    """The fields of examples while they are read, each with one value per row."""

    table: Table
    values: dict[str, Sequence[Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    words: list[Words] | None = None


def needed(found: T | None, what: str, where: str) -> T:
    """Returns the values of another column that a label needs.

    Args:
        found: the values; None if there is no such column.
        what: what the values are, for the message.
        where: the column of the label, for the message.

    Raises:
        InputError: there is no such column.
    """
    if found is None:
        raise InputError(f"{where}: this label needs {what} in another column; name it with --data")
    return found
