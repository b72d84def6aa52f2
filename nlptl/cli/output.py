"""Where a command writes: standard output, or a file that is seen only when it is whole."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from nlptl.core.errors import InputError

FAILED = 1


def print_lines(lines: Iterable[str]) -> int:
    """Writes to standard output and returns the exit status; a reader that has enough, such as head, ends it."""
    try:
        sys.stdout.writelines(lines)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing is left to be flushed at the end
        return FAILED
    return 0


def write_lines(path: Path, lines: Iterable[str]) -> int:
    """Writes a file line by line, seen under its name only when it is whole; returns the number of lines."""
    if path.is_dir():
        raise InputError(f"--output {str(path)!r} cannot be written: it is a folder, expected a file")
    path.parent.mkdir(parents=True, exist_ok=True)
    aside, n = path.with_name(path.name + ".partial"), 0
    try:
        with aside.open("w", encoding="utf-8") as stream:
            for line in lines:
                stream.write(line)
                n += 1
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return n
