"""Reads new rows, a few thousand at a time, so that memory stays bounded for files of any length."""

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
"""Rows read at a time; enough for batches of texts with similar lengths."""


def stream(source: object, config: DataConfig, columns: Sequence[Column]) -> Iterator[list[Example]]:
    """Yields the rows of new data in order, without labels; blank texts are kept.

    Args:
        source: as in `load_split`; files are read row by row (json and xlsx at once). Formats whose rows may differ in
            columns, such as jsonl, are first read once to find all columns.
        config: as in `load_split`.
        columns: the columns that the task reads.

    Raises:
        InputError: the data cannot be used.
    """
    if _file(source) is None:
        yield from parts(load_split(source, config, columns, need_label=False))
        return
    for examples, _ in NewRows(source, config, columns).parts():
        yield examples


class NewRows:
    """New data without labels, read in parts: the examples, and the rows as in the source.

    Args:
        source: as in `stream`, but not a list of texts.
        config: as in `stream`.
        columns: as in `stream`.

    Raises:
        InputError: the data cannot be used; may also be raised while reading.
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
        """Columns of the source."""
        self.only_strings = shown.headed
        """Whether all values of the source are strings, as in csv."""

    def rows(self) -> Iterator[list[Row]]:
        """Yields the rows as in the source; each call starts again at the first row."""
        rows = iter(self._open())
        while part := list(islice(rows, N_ROWS)):
            yield part

    def parts(self) -> Iterator[tuple[list[Example], list[Row]]]:
        """Yields the rows as examples and as in the source; each call starts again at the first row."""
        first = 0
        for rows in self.rows():
            examples, notes = to_examples(replace(self._table, rows=rows, first=first), self._read, self._names)
            tell(notes)
            yield examples, rows
            first += len(rows)


def without_texts(source: object, config: DataConfig, columns: Sequence[Column]) -> list[Example] | None:
    """Returns the rows of a file with labels but empty texts, to save memory; None if the texts are needed.

    Tags and spans need their words and contexts; sources that are not read row by row are in memory anyway.

    Args:
        source: as in `load_split`.
        config: as in `load_split`.
        columns: the columns that the task reads.

    Raises:
        InputError: the data cannot be used, or a row has no label.
    """
    path = _file(source)
    output = output_of(columns)
    if path is None or (output is not None and kinds.of(output).by_token):  # these labels refer to words or contexts
        return None
    names = _names(path, config, columns)
    texts = {names[c.role] for c in columns if c.role in names and c.field != "label"}
    rows = [
        {name: "" if name in texts else row.get(name) for name in names.values()} for row in open_rows(path, config)
    ]
    return rows_of(Table(str(path), rows, headed=format_of(path).headed), names, config, columns)


def parts(examples: Sequence[Example]) -> Iterator[list[Example]]:
    """Yields the examples, a few thousand at a time."""
    for i in range(0, len(examples), N_ROWS):
        yield list(examples[i : i + N_ROWS])


def _names(path: Path, config: DataConfig, columns: Sequence[Column]) -> dict[str, str]:
    return choose_columns(_shown(path, config), Wish(columns, config, {})).names


def _shown(path: Path, config: DataConfig) -> Table:
    """Returns a table with enough rows to have all columns of a file."""
    rows = open_rows(path, config)
    shown = list(islice(rows, N_ROWS) if format_of(path).even else _with_new_columns(rows))
    return Table(str(path), shown, headed=format_of(path).headed)


def _with_new_columns(rows: Iterator[Row]) -> Iterator[Row]:
    """Yields the rows with a column that no earlier row had."""
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
