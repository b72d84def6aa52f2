"""New rows a few thousand at a time, so that a file of any length is read in bounded memory."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

from nlptl.core import kinds
from nlptl.core.config import DataConfig
from nlptl.core.records import Column, Example
from nlptl.data.columns import Wish, choose_columns
from nlptl.data.corpus import load_split, rows_of, tell
from nlptl.data.examples import label_roles, output_of, to_examples
from nlptl.data.format import format_of
from nlptl.data.rows import open_rows
from nlptl.data.sources import find_source
from nlptl.data.table import Row, Table

N_ROWS = 4096
"""Rows read at a time; among so many, texts find others of their length."""


def stream(source: object, config: DataConfig, columns: Sequence[Column]) -> Iterator[list[Example]]:
    """Yields the rows of new data in order, without labels; blank texts are kept.

    Args:
        source: as `load_split`; files are read as they are consumed (json and xlsx at once), and once before for their
            columns if these may begin in any row, as in jsonl.
        config: as `load_split`.
        columns: what the task reads.

    Raises:
        InputError: the data cannot be used.
    """
    if _file(source) is None:
        yield from parts(load_split(source, config, columns, need_label=False))
        return
    for examples, _ in NewRows(source, config, columns).parts():
        yield examples


class NewRows:
    """New data without labels, opened: its rows as examples and as they stand in the source, part by part.

    Args:
        source: as `stream`, but no list of texts.
        config: as `stream`.
        columns: as `stream`.

    Raises:
        InputError: the data cannot be used; also when it is read.
    """

    def __init__(self, source: object, config: DataConfig, columns: Sequence[Column]) -> None:
        self._read = [c for c in columns if c.role not in label_roles(columns)]
        path = _file(source)
        if path is None:
            shown = find_source(source, config).table("test")
            self._open: Callable[[], Iterable[Row]] = lambda: shown.rows
        else:
            shown, self._open = _shown(path, config), partial(open_rows, path, config)
        self._table = replace(shown, rows=())
        self._names = choose_columns(shown, Wish(self._read, config, {})).names
        self.columns = shown.columns
        """Of the source."""
        self.only_strings = shown.headed
        """Whether the source has no values but strings, as csv."""

    def rows(self) -> Iterator[list[Row]]:
        """Yields the rows as they stand in the source; each call begins anew."""
        rows = iter(self._open())
        while some := list(islice(rows, N_ROWS)):
            yield some

    def parts(self) -> Iterator[tuple[list[Example], list[Row]]]:
        """Yields the rows as examples, and as they stand in the source; each call begins anew."""
        first = 0
        for rows in self.rows():
            examples, notes = to_examples(replace(self._table, rows=rows, first=first), self._read, self._names)
            tell(notes)
            yield examples, rows
            first += len(rows)


def without_texts(source: object, config: DataConfig, columns: Sequence[Column]) -> list[Example] | None:
    """Returns the rows of a file with their labels, the texts left empty; None where rows must be read whole.

    That is so for tags and spans, which need their words and contexts, and for what is not read row by row.

    Args:
        source: as `load_split`.
        config: as `load_split`.
        columns: what the task reads.

    Raises:
        InputError: the data cannot be used, or a row has no label.
    """
    path = _file(source)
    output = output_of(columns)
    if path is None or (output is not None and kinds.of(output).by_token):  # their labels lie in words and contexts
        return None
    names = _names(path, config, columns)
    texts = {names[c.role] for c in columns if c.role in names and c.field != "label"}
    rows = [
        {name: "" if name in texts else row.get(name) for name in names.values()} for row in open_rows(path, config)
    ]
    return rows_of(Table(str(path), rows, headed=format_of(path).headed), names, config, columns)


def parts(examples: Sequence[Example]) -> Iterator[list[Example]]:
    """Yields some examples, a few thousand at a time."""
    for i in range(0, len(examples), N_ROWS):
        yield list(examples[i : i + N_ROWS])


def _names(path: Path, config: DataConfig, columns: Sequence[Column]) -> dict[str, str]:
    return choose_columns(_shown(path, config), Wish(columns, config, {})).names


def _shown(path: Path, config: DataConfig) -> Table:
    """Returns rows enough to show all columns of a file."""
    rows = open_rows(path, config)
    shown = list(islice(rows, N_ROWS) if format_of(path).even else _with_new_columns(rows))
    return Table(str(path), shown, headed=format_of(path).headed)


def _with_new_columns(rows: Iterator[Row]) -> Iterator[Row]:
    """Yields the rows with a column that none before them had."""
    seen: set[str] = set()
    for row in rows:
        if not seen.issuperset(row):
            seen.update(row)
            yield row


def _file(source: object) -> Path | None:
    if not isinstance(source, str | Path):
        return None
    path = Path(source).expanduser()
    return path if path.is_file() and not format_of(path).at_once else None
