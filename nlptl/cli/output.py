"""Where a command writes: standard output, or a file that is seen only when it is whole and that replaces nothing."""

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
    """Returns a block in which as much is printed as --quiet and --verbose say.

    Raises:
        InputError: they contradict each other.
    """
    if values["quiet"] and values["verbose"]:
        raise InputError("--quiet and --verbose contradict each other: give one of them")
    from nlptl.report import console

    return console.speaking("quiet" if values["quiet"] else "verbose" if values["verbose"] else "normal")


def print_lines(lines: Iterable[str]) -> int:
    """Writes to standard output and returns the exit status; a reader that has enough, such as head, ends it."""
    if sys.stdout.isatty():
        lines = (shown_lines(line.removesuffix("\n")) + "\n" for line in lines)
    try:
        sys.stdout.writelines(lines)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing is left to be flushed at the end
        return FAILED
    return 0


def checked(given: str, source: object, *, overwrite: bool) -> Path:
    """Returns the path of a file that may be written, without links and "..": it stays the one that was checked.

    Args:
        given: the path that the user gave.
        source: what the command reads; a file of it is never replaced, whatever its path is spelt like.
        overwrite: whether another file may be.

    Raises:
        InputError: it may not.
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
        InputError: it is.
    """
    try:
        there = os.fstat(sys.stdout.fileno())
    except OSError:  # of a notebook or a test: no file
        return
    if any(os.path.samestat(there, file.stat()) for file in _files(source)):
        raise InputError("standard output is redirected to the input; choose another file")


@contextmanager
def whole(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Gives the path of a new file beside another, to which it is renamed at the end of the block, if that is reached.

    Args:
        path: as `checked` returns it: the name under which the file is seen once it is whole.
        overwrite: whether a file of that name is replaced.

    Raises:
        InputError: a file of that name appeared meanwhile, which is kept; so is the new one, under its own name.
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
    """Makes standard output UTF-8, if it can be: for data that has no escapes."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")


def is_utf8() -> bool:
    """Returns whether standard output has all characters."""
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
