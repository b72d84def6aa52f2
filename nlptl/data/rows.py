"""A file of any type, row by row or as a whole."""

from collections.abc import Iterator
from pathlib import Path

from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError
from nlptl.data import arrow
from nlptl.data.conll import read_conll
from nlptl.data.delimited import read_delimited, separator, usual_separator
from nlptl.data.files import HEADED, file_type
from nlptl.data.jsonfiles import read_json, read_jsonl
from nlptl.data.sheets import read_sheet, sheet_note
from nlptl.data.table import Row, Table


def open_rows(path: Path | str, config: DataConfig) -> Iterator[Row]:
    """Yields the rows of a file as they are read: memory stays bounded for every type but json and xlsx.

    Args:
        path: a csv, tsv, json, jsonl, parquet, xlsx or CoNLL file (.conll, .bio, .iob), or one of these packed.
        config: says how csv and tsv are separated and quoted, and which sheet of xlsx is read.

    Raises:
        InputError: the file is missing, empty, of another type or not what its name says.
    """
    path = Path(path)
    kind = file_type(path)
    if kind == ".jsonl":
        return read_jsonl(path)
    if kind == ".json":
        return read_json(path)
    if kind == ".parquet":
        return _parquet_rows(path)
    if kind == ".xlsx":
        return read_sheet(path, config)
    if kind in (".csv", ".tsv"):
        return read_delimited(path, config)
    return read_conll(path)


def read_file(path: Path, config: DataConfig) -> Table:
    """Returns all rows of a file.

    Raises:
        InputError: as `open_rows`.
    """
    kind = file_type(path)
    classes = {}
    if kind == ".parquet":
        with arrow.open_parquet(path) as dataset:
            classes = arrow.class_names(dataset)
    rows = list(open_rows(path, config))
    return Table(str(path), rows, classes, headed=kind in HEADED, notes=_notes(path, kind, config))


def _notes(path: Path, kind: str, config: DataConfig) -> tuple[str, ...]:
    """Returns what was decided for the user in reading a file."""
    if kind == ".xlsx":
        note = sheet_note(path, config)
        return (note,) if note else ()
    if kind not in HEADED or config.delimiter is not None:
        return ()
    used = separator(path, config)
    return () if used == usual_separator(path) else (f"{path}: the columns are separated by {used!r}",)


def _parquet_rows(path: Path) -> Iterator[Row]:
    empty = True
    with arrow.open_parquet(path) as dataset:
        for row in arrow.dataset_rows(dataset):
            empty = False
            yield row
    if empty:
        raise InputError(f"{path} has no rows")
