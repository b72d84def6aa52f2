"""New rows a few thousand at a time, so that a file of any length is read in bounded memory."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from nlptl.config import DataConfig
from nlptl.data.columns import Wish, choose_columns
from nlptl.data.corpus import load_split
from nlptl.data.examples import label_roles, to_examples
from nlptl.data.files import file_type
from nlptl.data.rows import open_rows
from nlptl.data.table import Table
from nlptl.records import Column, Example

N_ROWS = 4096
"""Rows read at a time; among so many, texts find others of their length."""


def stream(source: object, config: DataConfig, columns: Sequence[Column]) -> Iterator[list[Example]]:
    """Yields the rows of new data in order, without labels; blank texts are kept.

    Args:
        source: as `load_split`; files other than json, which is one value, are read as they are consumed.
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
    rows, first, names = open_rows(path, config), 0, None
    while some := list(islice(rows, N_ROWS)):
        table = Table(str(path), some, headed=file_type(path) in (".csv", ".tsv"), first=first)
        names = names or choose_columns(table, Wish(read, config, {})).names
        yield to_examples(table, read, names)[0]
        first += len(some)


def parts(examples: Sequence[Example]) -> Iterator[list[Example]]:
    """Yields some examples, a few thousand at a time."""
    for i in range(0, len(examples), N_ROWS):
        yield list(examples[i : i + N_ROWS])


def _file(source: object) -> Path | None:
    if not isinstance(source, str | Path):
        return None
    path = Path(source).expanduser()
    return path if path.is_file() and file_type(path) != ".json" else None
