"""The interface of a file format, and which format a file has; each format is a file in nlptl/data/formats."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import ClassVar

from nlptl.core import registry
from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError, nearest
from nlptl.data.files import unreadable
from nlptl.data.packed import BROKEN, OPENERS, packed_name
from nlptl.data.table import Row

ADVICE = {
    ".txt": "name a table .tsv (Excel's Unicode text has tabs) or .csv; in a folder of .txt files each file is a row",
    ".xls": "save it as .xlsx or .csv",
    ".xlsm": "save it as .xlsx or .csv",
    ".xlsb": "save it as .xlsx or .csv",
    ".ods": "save it as .xlsx or .csv",
}
"""Advice for files of unsupported formats, by suffix."""


class Format:
    """Reads files of one format; a subclass names the suffixes and yields rows."""

    suffixes: ClassVar[tuple[str, ...]]
    """Suffixes of file names, in lower case, with the dot."""
    headed: ClassVar[bool] = False
    """Whether the first line holds the column names and no cell holds a list, as in csv."""
    at_once: ClassVar[bool] = False
    """Whether a file is read at once, so that memory grows with its size."""
    even: ClassVar[bool] = False
    """Whether every row has the same columns as the first."""

    def rows(self, path: Path, config: DataConfig) -> Iterator[Row]:
        """Yields each row of a file as a mapping of column names to values.

        `nlptl.data.files.text_lines` yields the lines of a text file, decompressed and decoded.

        Args:
            path: a file with one of the suffixes, possibly compressed (.gz, .bz2, .xz, .zip).
            config: the data settings.

        Raises:
            InputError: the file is not what its name says, or has no rows.
        """
        raise NotImplementedError

    def classes(self, path: Path) -> Mapping[str, tuple[str, ...]]:
        """Returns the class names, in order, by column, if the file declares them."""
        return {}

    def notes(self, path: Path, config: DataConfig) -> tuple[str, ...]:
        """Returns the decisions made while reading a file, to report to the user."""
        return ()


def format_of(path: Path) -> Format:
    """Returns the format of a file by its suffix; for a compressed file, that of the file inside.

    Raises:
        InputError: no format has the suffix, or a zip file does not hold exactly one file.
    """
    try:
        name = packed_name(path)
    except (OSError, *BROKEN) as error:
        raise unreadable(path, error) from error
    file_format = with_suffix(Path(name).suffix.lower())
    if file_format is None:
        raise _unsupported(path, name)
    return file_format


def with_suffix(suffix: str) -> Format | None:
    """Returns the format whose files have a suffix, such as ".csv"; None if there is none."""
    return _by_suffix(registry.own_names("format")).get(suffix) or _by_suffix(registry.names("format")).get(suffix)


def readable() -> tuple[str, ...]:
    """Returns the suffixes of all formats."""
    return tuple(_by_suffix(registry.names("format")))


@cache
def _by_suffix(names: tuple[str, ...]) -> dict[str, Format]:
    formats: list[Format] = [registry.load("format", name)() for name in names]
    return {suffix: file_format for file_format in formats for suffix in file_format.suffixes}


def _unsupported(path: Path, name: str) -> InputError:
    suffix = Path(name).suffix.lower()
    found = f"the suffix {suffix!r}" if suffix else "no suffix"
    inside = f" of {name!r} inside" if path.suffix.lower() == ".zip" else ""
    hint = "" if suffix in ADVICE else nearest(suffix, readable())
    advice = ADVICE.get(suffix, "convert the file, or rename it if only its name is wrong")
    return InputError(
        f"{path}: unsupported file type, found {found}{inside}{hint}; expected {', '.join(readable())}, also "
        f"compressed ({', '.join(OPENERS)}): {advice}"
    )
