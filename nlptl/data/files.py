"""Reads text files line by line: compressed or not, UTF-8 or UTF-16; errors say what is wrong with a file."""

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from nlptl.core.errors import InputError, nearest
from nlptl.data.packed import BROKEN, inner_name, open_bytes


def split_suffix(name: str) -> tuple[str, str]:
    """Returns the stem and suffix of a file name in lower case: ("train", ".csv"), also for train.csv.gz."""
    inner = Path(inner_name(Path(name.lower())))
    return inner.stem, inner.suffix


def text_lines(path: Path) -> Iterator[str]:
    """Yields the lines of a UTF-8 or UTF-16 file with unchanged line ends; a byte order mark is skipped.

    Raises:
        InputError: the file is missing, unreadable, a damaged archive, or in another encoding.
    """
    encoding = "utf-8"
    try:
        with open_bytes(path) as raw:
            # Excel's "Unicode text" is UTF-16, which the first bytes show.
            encoding = json.detect_encoding(cast("Any", raw).peek(4)[:4])
            with io.TextIOWrapper(raw, encoding=encoding, newline="") as text:
                yield from text
    except UnicodeError as error:  # truncated UTF-16 files raise no UnicodeDecodeError
        raise _undecodable(path, encoding) from error
    except (OSError, *BROKEN) as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> InputError:
    """Returns the error for a file that cannot be read."""
    if isinstance(error, FileNotFoundError):
        return InputError(f"{path} does not exist{nearest_file(path)}")
    kind = {".gz": "gzip", ".bz2": "bzip2"}.get(path.suffix.lower(), path.suffix.lower()[1:])
    is_other = isinstance(error, gzip.BadGzipFile) or "Invalid data stream" in str(error) or "not a zip" in str(error)
    if is_other or "format not supported" in str(error):
        return InputError(
            f"{path} is not {kind} although its name ends in {path.suffix}; rename it if it is not compressed"
        )
    if isinstance(error, BROKEN):
        return InputError(f"{path}: the {kind} file is truncated or damaged ({error}); copy or download it again")
    return InputError(f"{path} cannot be read: {error}")


def nearest_file(path: Path) -> str:
    """Returns a hint: the closest name in the same folder, or that the folder is missing."""
    if not path.parent.is_dir():
        return f"; the folder {path.parent} does not exist either"
    return nearest(path.name, [p.name for p in path.parent.iterdir()])


def _undecodable(path: Path, encoding: str) -> InputError:
    if not encoding.startswith("utf-8"):
        return InputError(
            f"{path} looks like {encoding.upper()} by its first bytes, but is cut or damaged; save it again, as UTF-8"
        )
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
