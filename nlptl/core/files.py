"""Files that are written whole or not at all, and files that may be damaged when they are read."""

import json
import os
import re
import shutil
from pathlib import Path

from nlptl.core.errors import InputError
from nlptl.core.finite import to_json

PARTIAL = ".partial"
"""Ends the name of what is not yet whole."""


def aside(path: Path) -> Path:
    """Returns where a file or folder is written before it takes its place."""
    return path.with_name(path.name + PARTIAL)


def write_text(path: Path, text: str) -> None:
    """Writes a file beside its place and moves it there once it is on disk; a link at its place is replaced.

    Raises:
        OSError: it cannot be written; what stood there before is still there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = aside(path)
    partial.unlink(missing_ok=True)
    try:
        with partial.open("x", encoding="utf-8") as stream:  # "x" never follows a link
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: Path, value: object) -> None:
    """Writes a value as JSON, null in place of numbers that are not finite; see `write_text`."""
    write_text(path, to_json(value, indent=1))


def read_text(path: Path, advice: str) -> str:
    """Returns the content of a file.

    Args:
        path: of the file.
        advice: what to do if it is damaged.

    Raises:
        InputError: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise damaged(path, error, advice) from error


def read_object(path: Path, advice: str) -> dict[str, object]:
    """Returns the JSON object in a file.

    Args:
        path: of the file.
        advice: what to do if it is damaged.

    Raises:
        InputError: it cannot be read, or holds something else.
    """
    text = read_text(path, advice)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise damaged(path, error, advice) from error
    if not isinstance(found, dict):
        raise damaged(path, f"expected a JSON object, found {type(found).__name__}", advice)
    return found


def check_format(path: Path, found: object, known: int) -> None:
    """Checks the format number of a file; files from before there were numbers have none.

    Args:
        path: of the file.
        found: its number, None if it has none.
        known: the newest that is read.

    Raises:
        InputError: it is newer, or no number.
    """
    if found is None:
        return
    if type(found) is not int or found < 1:
        raise InputError(f"{path} has format {found!r}: expected a whole number from 1 to {known}")
    if found > known:
        raise InputError(f"{path} has format {found}, this nlptl reads up to {known}: a newer nlptl wrote it, update")


def damaged(place: object, why: object, advice: str) -> InputError:
    """Returns the error for a file, or a line of one, that is not as it was written."""
    return InputError(f"{place} is damaged: {' '.join(str(why).split())}; {advice}")


def refuse_links(folder: Path) -> None:
    """Raises an InputError if anything below a folder is a link, through which one would write elsewhere."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise InputError(
                f"{path} is a link to {path.readlink()}: a run writes inside its own folder only; "
                "put what it points to in its place"
            )


def replace_folder(path: Path) -> None:
    """Moves the folder that was written aside to its place, once all of it is on disk; an older one there is removed.

    Raises:
        OSError: it cannot be moved.
    """
    partial = aside(path)
    for found in (*partial.rglob("*"), partial):
        sync(found)
    shutil.rmtree(path, ignore_errors=True)
    partial.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Returns once a file or folder is on disk; Windows has no such call for folders."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def system_refusal(error: BaseException) -> str | None:
    """Returns why the system refused to read or write, such as "No space left on device"; None for any other error.

    Libraries in Rust (safetensors, tokenizers) raise types of their own, with the system's number in the message.
    """
    found = re.search(r"\(os error (\d+)\)", str(error))
    number = error.errno if isinstance(error, OSError) else int(found.group(1)) if found else None
    if number is None:
        return None
    path = getattr(error, "filename", None)
    return os.strerror(number) + (f": {path}" if path else "")
