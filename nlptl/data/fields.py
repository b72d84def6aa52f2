"""A table on its way to examples."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from nlptl.core.errors import InputError
from nlptl.data.table import Table
from nlptl.data.words import Words

T = TypeVar("T")


@dataclass
class Fields:
    """The fields of some examples as they are read, each with a value a row."""

    table: Table
    values: dict[str, Sequence[Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    words: list[Words] | None = None


def needed(found: T | None, what: str, where: str) -> T:
    """Returns what another column gave.

    Args:
        found: its values, None if there is no such column.
        what: they are, for the message.
        where: the label is, for the message.

    Raises:
        InputError: there is no such column.
    """
    if found is None:
        raise InputError(f"{where}: this label needs {what} in another column; name it with --data")
    return found
