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
from nlptl.data.table import Row, Table
from nlptl.records import Column, Example

N_ROWS = 4096
"""Rows read at a time; among so many, texts find others of their length."""


def stream(source: object, config: DataConfig, columns: Sequence[Column]) -> Iterator[list[Example]]:
    """Yields the rows of new data in order, without labels; blank texts are kept.

    Args:
        source: as `load_split`; files are read once for their columns and then as they are
            consumed, other than json, which is one value.
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
    headed = file_type(path) in (".csv", ".tsv")
    shown = Table(str(path), list(_with_new_columns(open_rows(path, config))), headed=headed)
    names = choose_columns(shown, Wish(read, config, {})).names
    rows, first = open_rows(path, config), 0
    while some := list(islice(rows, N_ROWS)):
        yield to_examples(Table(str(path), some, headed=headed, first=first), read, names)[0]
        first += len(some)


def parts(examples: Sequence[Example]) -> Iterator[list[Example]]:
    """Yields some examples, a few thousand at a time."""
    for i in range(0, len(examples), N_ROWS):
        yield list(examples[i : i + N_ROWS])


def _with_new_columns(rows: Iterator[Row]) -> Iterator[Row]:
    """Yields the rows with a column that none before them had; in jsonl an optional one may begin anywhere."""
    seen: set[str] = set()
    for row in rows:
        if not seen.issuperset(row):
            seen.update(row)
            yield row


def _file(source: object) -> Path | None:
    if not isinstance(source, str | Path):
        return None
    path = Path(source).expanduser()
    return path if path.is_file() and file_type(path) != ".json" else None
