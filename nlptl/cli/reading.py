"""What commands that read new data share: flags, and reading standard input."""

import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from nlptl.cli.flags import Flag
from nlptl.core.checks import choices
from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError

if TYPE_CHECKING:
    from nlptl.runs.run import Run

READING = ("text", "text_pair", "question", "context", "delimiter", "quoting", "sheet")
"""The fields of `DataConfig` that say how new data is read."""
ROW = ("text", "text_pair", "question", "context")
"""The flags that give one row instead of a file."""
STANDARD = "-"
"""Stands for a standard stream instead of a file."""
RUN = Flag("run", "The run's folder, or its model/ folder.")
TRUST_CHANGES = Flag(
    "--trust-changes", "Open a model even if files were edited since training, and say which.", None, default=False
)
OVERWRITE = Flag("--overwrite", "Replace the output file if it exists.", None, default=False)


def input_format(formats: Any) -> Flag:
    """Returns the flag for the format of standard input.

    Args:
        formats: a `Literal` of the formats, the default first.
    """
    return Flag("--input-format", f"Format of standard input ('-'); default: {next(iter(choices(formats)))}.", formats)


def typed_row(values: Mapping[str, object]) -> dict[str, str]:
    """Returns the texts of the one row that a command line gives, by role; empty if it gives none."""
    return {role: _as_typed(str(values[role])) for role in ROW if values.get(role) is not None}


def _as_typed(text: str) -> str:
    """Returns a text of the command line, read as UTF-8 even in the C locale."""
    return os.fsencode(text).decode("utf-8", "surrogateescape")


@contextmanager
def given(source: str, form: str | None, run: "Run", config: DataConfig) -> Iterator[str]:
    """Gives the source to read: the one given, or for "-" a temporary file with all of standard input.

    Args:
        source: anything that `DataConfig.test` takes, such as a file, or "-".
        form: the format of standard input; None: texts, one a line.
        run: the run that will read the source.
        config: may name the text's column.

    Raises:
        InputError: standard input is not in that format, or a format is given for a file.
    """
    if source != STANDARD:
        if form is not None:
            raise InputError(f"--input-format is for standard input ('-'); {source!r} is read as its suffix says")
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="nlptl-") as folder:  # data is read twice, a stream only once
        file = Path(folder) / f"stdin.{form or 'jsonl'}"
        if form in (None, "text"):
            file = file.with_suffix(".jsonl")
            _write_texts(sys.stdin.buffer, file, _column(run, config), sure=form == "text")
        else:
            with file.open("wb") as copy:
                shutil.copyfileobj(sys.stdin.buffer, copy)
        try:
            yield str(file)
        except InputError as error:
            raise InputError(str(error).replace(str(file), "standard input")) from error


def _column(run: "Run", config: DataConfig) -> str:
    needed = run.needed
    if len(needed) > 1:
        raise InputError(
            f"this model reads {' and '.join(needed)}, which a line of text does not tell apart: give rows on standard "
            "input, with --input-format jsonl, csv or tsv"
        )
    role, column = next(iter(needed.items()))
    return str(getattr(config, role, None) or column.usual[0])


def _write_texts(stream: IO[bytes], file: Path, column: str, *, sure: bool) -> None:
    n = 0
    with file.open("w", encoding="utf-8") as rows:
        for text in _texts(stream):
            if n == 0 and not sure and _is_object(text):
                raise InputError(
                    "standard input begins with a JSON object: give --input-format jsonl for rows, or text for texts"
                )
            rows.write(json.dumps({column: text}) + "\n")
            n += 1
    if n == 0:
        raise InputError("standard input is empty; expected one text a line")


def _texts(stream: IO[bytes]) -> Iterator[str]:
    try:
        for line in io.TextIOWrapper(stream, encoding="utf-8-sig", newline="\n"):
            yield line.removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise InputError(
            "standard input is not UTF-8; convert it, for example with iconv -f WINDOWS-1252 -t UTF-8"
        ) from error


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
