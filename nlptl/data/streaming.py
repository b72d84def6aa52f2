"""New rows a few thousand at a time, so that a file of any length is read in bounded memory."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from nlptl.core.config import DataConfig
from nlptl.core.records import Column, Example
from nlptl.data.columns import Wish, choose_columns
from nlptl.data.corpus import load_split, rows_of, tell
from nlptl.data.examples import label_roles, output_of, to_examples
from nlptl.data.files import AT_ONCE, file_type, is_headed
from nlptl.data.rows import open_rows
from nlptl.data.table import Row, Table

N_ROWS = 4096
"""Rows read at a time; among so many, texts find others of their length."""


def stream(source: object, config: DataConfig, columns: Sequence[Column]) -> Iterator[list[Example]]:
    """Yields the rows of new data in order, without labels; blank texts are kept.

    Args:
        source: as `load_split`; files other than json and xlsx are read as they are consumed, jsonl once
            before for its columns.
        config: as `load_split`.
        columns: what the task reads.

    Raises:
        InputError: the data cannot be used.
    """
    path = _file(source)
    if path is None:
        yield from parts(load_split(source, config, columns, need_label=False))
        return
    read = [c for c in columns if c.role not in label_roles(columns)]
    names = _names(path, config, read)
    rows, first = open_rows(path, config), 0
    while some := list(islice(rows, N_ROWS)):
        examples, notes = to_examples(Table(str(path), some, headed=is_headed(path), first=first), read, names)
        tell(notes)
        yield examples
        first += len(some)


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
    if path is None or output_of(columns) in ("tags", "span"):
        return None
    names = _names(path, config, columns)
    texts = {names[c.role] for c in columns if c.role in names and c.field != "label"}
    rows = [
        {name: "" if name in texts else row.get(name) for name in names.values()} for row in open_rows(path, config)
    ]
    return rows_of(Table(str(path), rows, headed=is_headed(path)), names, config, columns)


def parts(examples: Sequence[Example]) -> Iterator[list[Example]]:
    """Yields some examples, a few thousand at a time."""
    for i in range(0, len(examples), N_ROWS):
        yield list(examples[i : i + N_ROWS])


def _names(path: Path, config: DataConfig, columns: Sequence[Column]) -> dict[str, str]:
    rows = open_rows(path, config)
    shown = list(_with_new_columns(rows) if file_type(path) == ".jsonl" else islice(rows, N_ROWS))
    return choose_columns(Table(str(path), shown, headed=is_headed(path)), Wish(columns, config, {})).names


def _with_new_columns(rows: Iterator[Row]) -> Iterator[Row]:
    """Yields the rows with a column that none before them had; only in jsonl they may begin anywhere."""
    seen: set[str] = set()
    for row in rows:
        if not seen.issuperset(row):
            seen.update(row)
            yield row


def _file(source: object) -> Path | None:
    if not isinstance(source, str | Path):
        return None
    path = Path(source).expanduser()
    return path if path.is_file() and file_type(path) not in AT_ONCE else None
