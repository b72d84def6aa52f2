"""Where a command writes: standard output, or a file that appears only when complete and replaces none unasked."""

import io
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from nlptl.core.errors import InputError
from nlptl.core.shown import shown_lines

FAILED = 1


def speaking(values: dict[str, Any]) -> AbstractContextManager[None]:
    """Returns a context in which --quiet and --verbose say how much is printed.

    Raises:
        InputError: both are given.
    """
    if values["quiet"] and values["verbose"]:
        raise InputError("--quiet and --verbose contradict each other: give one of them")
    from nlptl.report import console

    return console.speaking("quiet" if values["quiet"] else "verbose" if values["verbose"] else "normal")


def print_lines(lines: Iterable[str]) -> int:
    """Writes to standard output and returns the exit status; stops when the reader, such as head, has enough."""
    if sys.stdout.isatty():
        lines = (shown_lines(line.removesuffix("\n")) + "\n" for line in lines)
    try:
        sys.stdout.writelines(lines)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at its exit
        return FAILED
    return 0


def checked(given: str, source: object, *, overwrite: bool) -> Path:
    """Checks that a file may be written; returns its path without links and "..", so that it stays the one checked.

    Args:
        given: the path that the user gave.
        source: what the command reads; its files are never replaced, however the path is spelt.
        overwrite: whether other files may be replaced.

    Raises:
        InputError: the file may not be written.
    """
    path = Path(given).expanduser().resolve()
    if any(_is_same(path, file) for file in _files(source)):
        raise InputError(f"--output {given!r} is the input: it would be lost; choose another name")
    if path.is_dir():
        raise InputError(f"--output {given!r} cannot be written: it is a folder, expected a file")
    if path.exists() and not path.is_file():
        raise InputError(f"--output {given!r} cannot be written: it is no plain file; '-' is standard output")
    if path.exists() and not overwrite:
        raise _exists(given)
    return path


def check_standard_output(source: object) -> None:
    """Checks that standard output is not the input file, which would grow while it is read.

    Raises:
        InputError: standard output is the input file.
    """
    try:
        there = os.fstat(sys.stdout.fileno())
    except OSError:  # in a notebook or a test it is no file
        return
    if any(os.path.samestat(there, file.stat()) for file in _files(source)):
        raise InputError("standard output is redirected to the input; choose another file")


@contextmanager
def whole(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Gives the path of a partial file, which is renamed to `path` if the block ends without an error.

    Args:
        path: as `checked` returns it: the file's name once it is complete.
        overwrite: whether a file of that name is replaced.

    Raises:
        InputError: a file of that name appeared meanwhile; both are kept, the new one under another name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        yield aside
        if not overwrite and path.exists():
            kept = path.with_name(f"{path.name}.{os.getpid()}")
            aside.replace(kept)
            raise InputError(f"{_exists(str(path))}; it appeared meanwhile: the output is in {kept}")
        aside.replace(path)
    except KeyboardInterrupt as error:
        error.add_note(f"{path} was not written")
        raise
    finally:
        aside.unlink(missing_ok=True)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Writes a text file line by line."""
    # Half an emoji is no UTF-8; in JSON its escape means the same.
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
        stream.writelines(lines)


def in_utf8() -> None:
    """Switches standard output to UTF-8 if possible, for formats without escapes."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")


def is_utf8() -> bool:
    """Returns whether standard output can print every character."""
    return (sys.stdout.encoding or "utf-8").lower().replace("-", "").startswith("utf")


def _exists(given: str) -> InputError:
    return InputError(f"--output {given!r} exists already: nothing is replaced without --overwrite")


def _files(source: object) -> list[Path]:
    """Returns the files that a source may be read from."""
    if not isinstance(source, str | Path):
        return []
    path = Path("/dev/stdin" if source == "-" else source).expanduser()
    if path.is_dir():
        return [file for file in path.rglob("*") if file.is_file()]
    return [path] if path.is_file() else []


def _is_same(path: Path, file: Path) -> bool:
    return path.exists() and path.samefile(file)
