"""Rows of a run's files and of predictions: a list that also becomes a pandas frame, and shows as one in a notebook."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from nlptl.core import files
from nlptl.core.errors import InputError

if TYPE_CHECKING:
    import pandas

T = TypeVar("T")
Row = dict[str, Any]
"""A JSON object of a run's file."""


class Rows(list[T]):
    """A list of dicts, or of records such as `Prediction`."""

    def to_frame(self) -> pandas.DataFrame:
        """Returns the rows as a pandas frame; nested values have a column of their own, "scores.positive"."""
        import pandas

        return pandas.json_normalize([_plain(row) for row in self])

    def _repr_html_(self) -> str:
        html: str = self.to_frame()._repr_html_()
        return html


class Framed(Generic[T]):
    """Shows as the pandas frame of its rows."""

    @property
    def rows(self) -> Rows[T]:
        """The rows of the frame."""
        raise NotImplementedError

    def to_frame(self) -> pandas.DataFrame:
        """Returns the rows as a pandas frame."""
        return self.rows.to_frame()

    def _repr_html_(self) -> str:
        return self.rows._repr_html_()


def read_rows(path: Path) -> Rows[Row]:
    """Returns the lines of a run's JSON-lines file, without an incomplete last line.

    Raises:
        InputError: a line is damaged.
    """
    rows = Rows[Row]()
    *lines, _ = files.read_text(path, "restore it").split("\n")  # other line ends may stand inside a text
    for number, line in enumerate(lines, 1):
        try:
            rows.append(json.loads(line))
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}: line {number} is damaged: {error}") from error
    return rows


def rows_in(source: object, action: str) -> object | None:
    """Returns a source as `data.stream` takes it; None if it is an empty list."""
    source = source.tolist() if hasattr(source, "tolist") else source  # an array, or a column of a frame
    if isinstance(source, Sequence) and not len(source):
        return None
    if isinstance(source, str) and not re.search(r"[./:]", source) and not Path(source).exists():
        raise InputError(f"{source!r} is no file; for one text give a list: {action}([{source!r}])")
    return source


def _plain(row: Any) -> Row:
    if isinstance(row, Mapping):
        return dict(row)
    return {name: value for name, value in dataclasses.asdict(row).items() if value is not None}
