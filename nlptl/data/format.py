"""What a file format must offer, and which format a file has; one file a format under nlptl/data/formats."""

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
    ".txt": "name a table .tsv (Excel's Unicode text has tabs) or .csv; a folder of .txt files gives a row a file",
    ".xls": "save it as .xlsx or .csv",
    ".xlsm": "save it as .xlsx or .csv",
    ".xlsb": "save it as .xlsx or .csv",
    ".ods": "save it as .xlsx or .csv",
}
"""What to do with files of other formats."""


class Format:
    """How files of one format are read. A subclass names its suffixes and yields rows."""

    suffixes: ClassVar[tuple[str, ...]]
    """Of its files' names, in lower case, with the dot."""
    headed: ClassVar[bool] = False
    """Whether the first line has the columns' names, and no cell holds a list, as in csv."""
    at_once: ClassVar[bool] = False
    """Whether a file is read as a whole, so that memory grows with its rows."""
    even: ClassVar[bool] = False
    """Whether every row has the columns of the first."""

    def rows(self, path: Path, config: DataConfig) -> Iterator[Row]:
        """Yields the rows of a file: a mapping of column names to values each.

        `nlptl.data.files.text_lines` yields the lines of a text file, unpacked and decoded.

        Args:
            path: a file with one of the suffixes, perhaps packed (.gz, .bz2, .xz, .zip).
            config: the data's settings.

        Raises:
            InputError: the file is not what its name says, or has no rows.
        """
        raise NotImplementedError

    def classes(self, path: Path) -> Mapping[str, tuple[str, ...]]:
        """Returns the names of the classes, in order, by column, if the file declares them."""
        return {}

    def notes(self, path: Path, config: DataConfig) -> tuple[str, ...]:
        """Returns what was decided for the user in reading a file, to be told."""
        return ()


def format_of(path: Path) -> Format:
    """Returns the format of a file, which its suffix says; of a packed file that of the file inside.

    Raises:
        InputError: no format has the suffix, or the file is a zip file that does not hold a single file.
    """
    try:
        name = packed_name(path)
    except (OSError, *BROKEN) as error:
        raise unreadable(path, error) from error
    found = with_suffix(Path(name).suffix.lower())
    if found is None:
        raise _unsupported(path, name)
    return found


def with_suffix(suffix: str) -> Format | None:
    """Returns the format whose files have a suffix, such as ".csv"; None if there is none."""
    return _by_suffix(registry.own_names("format")).get(suffix) or _by_suffix(registry.names("format")).get(suffix)


def readable() -> tuple[str, ...]:
    """Returns the suffixes of all formats."""
    return tuple(_by_suffix(registry.names("format")))


@cache
def _by_suffix(names: tuple[str, ...]) -> dict[str, Format]:
    formats: list[Format] = [registry.load("format", name)() for name in names]
    return {suffix: found for found in formats for suffix in found.suffixes}


def _unsupported(path: Path, name: str) -> InputError:
    suffix = Path(name).suffix.lower()
    found = f"the suffix {suffix!r}" if suffix else "no suffix"
    inside = f" of {name!r} inside" if path.suffix.lower() == ".zip" else ""
    hint = "" if suffix in ADVICE else nearest(suffix, readable())
    advice = ADVICE.get(suffix, "convert the file, or rename it if only its name is wrong")
    return InputError(
        f"{path}: unsupported file type, found {found}{inside}{hint}; expected {', '.join(readable())}, also packed "
        f"({', '.join(OPENERS)}): {advice}"
    )
