"""Writes files completely or not at all; reads files that may be damaged."""

import json
import os
import re
import shutil
from pathlib import Path

from nlptl.core.errors import InputError
from nlptl.core.finite import to_json

PARTIAL = ".partial"
"""Suffix of a file or folder that is not yet complete."""


def aside(path: Path) -> Path:
    """Returns the path under which a file or folder is written before it is moved to `path`."""
    return path.with_name(path.name + PARTIAL)


def write_text(path: Path, text: str) -> None:
    """Writes a file under another name and renames it once it is on disk; a link at `path` is replaced.

    Raises:
        OSError: it cannot be written; an existing file stays unchanged.
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
    """Writes a value as JSON, with null for numbers that are not finite; see `write_text`."""
    write_text(path, to_json(value, indent=1))


def read_text(path: Path, advice: str) -> str:
    """Returns the content of a file.

    Args:
        path: the file.
        advice: what to do if it is damaged, for the message.

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
        path: the file.
        advice: what to do if it is damaged, for the message.

    Raises:
        InputError: it cannot be read, or is not a JSON object.
    """
    text = read_text(path, advice)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise damaged(path, error, advice) from error
    if not isinstance(value, dict):
        raise damaged(path, f"expected a JSON object, found {type(value).__name__}", advice)
    return value


def check_format(path: Path, found: object, known: int) -> None:
    """Checks the format number of a file; the oldest files have none.

    Args:
        path: the file.
        found: its format number; None if it has none.
        known: the newest format that this version reads.

    Raises:
        InputError: the format is newer, or not a whole number from 1.
    """
    if found is None:
        return
    if type(found) is not int or found < 1:
        raise InputError(f"{path} has format {found!r}: expected a whole number from 1 to {known}")
    if found > known:
        raise InputError(f"{path} has format {found}, this nlptl reads up to {known}: a newer nlptl wrote it, update")


def damaged(place: object, why: object, advice: str) -> InputError:
    """Returns the error for a damaged file, or a damaged line of a file."""
    return InputError(f"{place} is damaged: {' '.join(str(why).split())}; {advice}")


def refuse_links(folder: Path) -> None:
    """Raises an InputError if a folder holds a link, because writing through it would change files elsewhere."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise InputError(
                f"{path} is a link to {path.readlink()}: a run writes inside its own folder only; "
                "replace the link by the file or folder that it points to"
            )


def replace_folder(path: Path) -> None:
    """Moves the folder written at `aside(path)` to `path` once all of it is on disk; an older folder is removed.

    Raises:
        OSError: it cannot be moved.
    """
    partial = aside(path)
    for written in (*partial.rglob("*"), partial):
        sync(written)
    shutil.rmtree(path, ignore_errors=True)
    partial.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Waits until a file or folder is on disk; on Windows, which cannot do so for folders, skips them."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def system_refusal(error: BaseException) -> str | None:
    """Returns why the system refused to read or write, such as "No space left on device"; None for any other error.

    Libraries in Rust (safetensors, tokenizers) raise their own types, with the system's error number in the message.
    """
    match = re.search(r"\(os error (\d+)\)", str(error))
    number = error.errno if isinstance(error, OSError) else int(match.group(1)) if match else None
    if number is None:
        return None
    path = getattr(error, "filename", None)
    return os.strerror(number) + (f": {path}" if path else "")
