"""Compressed files: gzip, bzip2, xz, and zip archives with a single file."""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, cast

from nlptl.core.errors import InputError

BROKEN = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
"""Exceptions for damaged archives, besides OSError."""


def is_packed(path: Path) -> bool:
    """Returns whether a file has the suffix of a compressed file."""
    return path.suffix.lower() in OPENERS


def inner_name(path: Path) -> str:
    """Returns a file's name without the suffix of its compression, if it has one."""
    return path.stem if is_packed(path) else path.name


def packed_name(path: Path) -> str:
    """Returns the name of the file inside a compressed file; in a zip file, the name stored there if it has a suffix.

    Raises:
        InputError: a zip file does not hold exactly one file.
        OSError: the file cannot be read. One of `BROKEN`: it is damaged.
    """
    if path.suffix.lower() != ".zip":
        return inner_name(path)
    with zipfile.ZipFile(path) as archive:
        name = _member(path, archive).filename
    return name if Path(name).suffix or not Path(path.stem).suffix else path.stem


def open_bytes(path: Path) -> IO[bytes]:
    """Opens a file for reading, decompressed if it has such a suffix.

    Raises:
        InputError: a zip file does not hold exactly one file, or is protected by a password.
        OSError: the file cannot be read. One of `BROKEN`: it is damaged.
    """
    opener = OPENERS.get(path.suffix.lower())
    return cast("IO[bytes]", opener(path)) if opener else path.open("rb")


def _open_zip(path: Path) -> IO[bytes]:
    with zipfile.ZipFile(path) as archive:
        try:
            return archive.open(_member(path, archive))
        except RuntimeError as error:  # a password, or a compression that Python does not support
            raise InputError(f"{path} cannot be unpacked ({error}); unpack it and give the file inside") from error


OPENERS: dict[str, Callable[[Path], object]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".zip": _open_zip,
}


def _member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    # Skip the files that macOS and Windows add.
    files = [
        info
        for info in archive.infolist()
        if not info.is_dir() and not info.filename.startswith("__MACOSX/") and not info.filename.endswith(".DS_Store")
    ]
    if len(files) != 1:
        shown = ", ".join(info.filename for info in files[:5]) or "nothing"
        raise InputError(
            f"{path}: expected a zip file with a single file in it, found {len(files)} ({shown}); unpack it and give "
            "the file or folder to use"
        )
    return files[0]
