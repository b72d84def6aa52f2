"""Reads a file of any format, row by row or at once."""

from collections.abc import Iterator
from pathlib import Path

from nlptl.core.config import DataConfig
from nlptl.data.format import format_of
from nlptl.data.table import Row, Table


def open_rows(path: Path | str, config: DataConfig) -> Iterator[Row]:
    """Yields the rows of a file while reading it; memory stays bounded except for formats that are read at once.

    Args:
        path: a file of any format (nlptl/data/formats), also compressed.
        config: the data settings: separator and quoting of csv and tsv, sheet of xlsx.

    Raises:
        InputError: the file is missing, empty, of an unknown format, or its content does not match its suffix.
    """
    path = Path(path)
    return format_of(path).rows(path, config)


def read_file(path: Path, config: DataConfig) -> Table:
    """Returns all rows of a file.

    Raises:
        InputError: see `open_rows`.
    """
    file_format = format_of(path)
    classes = file_format.classes(path)
    rows = list(file_format.rows(path, config))
    return Table(str(path), rows, classes, headed=file_format.headed, notes=file_format.notes(path, config))
