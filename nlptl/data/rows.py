"""A file of any format, row by row or as a whole."""

from collections.abc import Iterator
from pathlib import Path

from nlptl.core.config import DataConfig
from nlptl.data.format import format_of
from nlptl.data.table import Row, Table


def open_rows(path: Path | str, config: DataConfig) -> Iterator[Row]:
    """Yields the rows of a file as they are read: memory stays bounded but for formats that are read at once.

    Args:
        path: a file of any format (nlptl/data/formats), or a packed one.
        config: says how csv and tsv are separated and quoted, and which sheet of xlsx is read.

    Raises:
        InputError: the file is missing, empty, of another format or not what its name says.
    """
    path = Path(path)
    return format_of(path).rows(path, config)


def read_file(path: Path, config: DataConfig) -> Table:
    """Returns all rows of a file.

    Raises:
        InputError: as `open_rows`.
    """
    found = format_of(path)
    classes = found.classes(path)
    rows = list(found.rows(path, config))
    return Table(str(path), rows, classes, headed=found.headed, notes=found.notes(path, config))
