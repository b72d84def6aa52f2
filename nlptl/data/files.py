"""Files as lines of text: types by suffix, gzip, UTF-8, and what can go wrong with them."""

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from nlptl.core.errors import InputError, nearest

READABLE = (".csv", ".tsv", ".json", ".jsonl", ".parquet", ".conll", ".bio", ".iob")


def file_type(path: Path) -> str:
    """Returns the suffix that says how a file is read: one of `READABLE`, whether or not ".gz" follows it.

    Raises:
        InputError: the suffix is none of them.
    """
    suffix = Path(without_gz(path.name)).suffix.lower()
    if suffix in READABLE:
        return suffix
    found = f"the suffix {suffix!r}" if suffix else "no suffix"
    hint = nearest(suffix, READABLE)
    raise InputError(
        f"{path}: unsupported file type, found {found}{hint}; expected {', '.join(READABLE)}, also with .gz: "
        "convert the file, or rename it if only its name is wrong"
    )


def without_gz(name: str) -> str:
    """Returns a file's name without a final ".gz"."""
    return name[:-3] if name.lower().endswith(".gz") else name


def open_bytes(path: Path) -> IO[bytes]:
    """Returns a file opened for reading, unpacked where its name ends in ".gz"."""
    if path.name.lower().endswith(".gz"):
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return path.open("rb")


def text_lines(path: Path) -> Iterator[str]:
    """Yields a UTF-8 file's lines with their ends as they are; a byte order mark is skipped.

    Raises:
        InputError: the file is missing, unreadable, broken gzip, or not UTF-8.
    """
    try:
        with open_bytes(path) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text:
            yield from text
    except UnicodeDecodeError as error:
        raise _not_utf8(path) from error
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> InputError:
    """Returns the error that says why a file's bytes cannot be had."""
    if isinstance(error, FileNotFoundError):
        return InputError(f"{path} does not exist{nearest_file(path)}")
    if isinstance(error, gzip.BadGzipFile):
        return InputError(f"{path} is not gzip although its name ends in .gz; rename it if it is not compressed")
    if isinstance(error, EOFError | zlib.error):
        return InputError(f"{path}: the gzip file is truncated or damaged ({error}); copy or download it again")
    return InputError(f"{path} cannot be read: {error}")


def nearest_file(path: Path) -> str:
    """Returns a hint with the name in the same folder that is closest, or that the folder is missing."""
    if not path.parent.is_dir():
        return f"; the folder {path.parent} does not exist either"
    return nearest(path.name, [p.name for p in path.parent.iterdir()])


def _not_utf8(path: Path) -> InputError:
    offset = 0
    with open_bytes(path) as raw:
        for number, line in enumerate(raw, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                found = f"line {number}, byte {offset + error.start} is 0x{line[error.start]:02x}"
                break
            offset += len(line)
        else:
            found = "the last character is incomplete"
    return InputError(f"{path} is not UTF-8: {found}; save it as UTF-8, such as iconv -f WINDOWS-1252 -t UTF-8")
