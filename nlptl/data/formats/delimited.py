"""csv and tsv files: every value stays a string; none becomes a number or a missing value."""

import contextlib
import csv
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError
from nlptl.data.files import text_lines
from nlptl.data.format import Format
from nlptl.data.packed import packed_name
from nlptl.data.table import Row, refuse_twice

Record = tuple[int, list[str]]
"""Number of the line on which a row starts, from 1, and its fields."""

SEPARATORS = {";": "';'", ",": "','", "\t": "$'\\t'", "|": "'|'"}
"""Separators that are recognised, with their spelling in a shell."""

DECLARED = re.compile("sep=(.)", re.IGNORECASE)
"""First line of a file that tells Excel the separator."""
LONGEST_FIELD = 2**31 - 1


class Delimited(Format):
    """csv and tsv: a header line, then one row per line; empty lines are skipped."""

    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".tsv")
    headed: ClassVar[bool] = True
    even: ClassVar[bool] = True

    def rows(self, path: Path, config: DataConfig) -> Iterator[Row]:
        """Yields the rows.

        Raises:
            InputError: the file is empty, has only a header, or a row has more or fewer fields than the header.
        """
        delimiter = separator(path, config)
        records = _records(path, delimiter, config.quoting)
        first = next(records, None)
        if first is not None and DECLARED.fullmatch(delimiter.join(first[1])):
            first = next(records, None)
        header = _header(path, first, delimiter)
        first = next(records, None)
        if first is None:
            raise InputError(f"{path} has a header line but no rows")
        for record in itertools.chain([first], records):
            if len(record[1]) != len(header):
                raise _uneven(path, len(header), record, records, delimiter)
            yield dict(zip(header, record[1], strict=True))

    def notes(self, path: Path, config: DataConfig) -> tuple[str, ...]:
        """Returns a note on the separator if it is not the usual one for the file's suffix."""
        used = separator(path, config)
        if config.delimiter is not None or used == _usual(path):
            return ()
        return (f"{path}: the columns are separated by {used!r}",)


def separator(path: Path, config: DataConfig) -> str:
    """Returns the separator of fields in a csv or tsv file.

    `data.delimiter` if set; else that of a first line such as "sep=;", which Excel writes; else a comma for csv and a
    tab for tsv, or another separator if only that one occurs in the header (Excel writes semicolons in half of Europe).

    Raises:
        InputError: the file cannot be read.
    """
    usual = _usual(path)
    if config.delimiter is not None:
        return config.delimiter
    line = next((line for line in text_lines(path) if line.strip()), "")
    declared = DECLARED.fullmatch(line.rstrip("\r\n"))
    if declared:
        return declared.group(1)
    other = max(SEPARATORS, key=line.count)
    return usual if usual in line or other not in line else other


def _usual(path: Path) -> str:
    return "\t" if packed_name(path).lower().endswith(".tsv") else ","


def _records(path: Path, delimiter: str, quoting: str) -> Iterator[Record]:
    literal = quoting == "auto" and delimiter == "\t" and not _quotes_enclose(path, delimiter)
    return _unquoted(path, delimiter) if literal or quoting == "none" else _quoted(path, delimiter)


def _quoted(path: Path, delimiter: str) -> Iterator[Record]:
    csv.field_size_limit(LONGEST_FIELD)
    reader = csv.reader(text_lines(path), delimiter=delimiter, strict=True)
    line = 1
    try:
        for fields in reader:
            if fields:
                yield line, fields
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"{path}, line {line}: a quote opens a field but is not closed correctly ({error}); "
            "double the quotes inside quoted fields, or set --data.quoting none if quotes are ordinary characters"
        ) from error


def _unquoted(path: Path, delimiter: str) -> Iterator[Record]:
    for number, line in enumerate(text_lines(path), 1):
        content = line.rstrip("\r\n")
        if content:
            yield number, content.split(delimiter)


def _quotes_enclose(path: Path, delimiter: str) -> bool:
    # Most .tsv files are written without quoting, so their quotes are part of the text. Quotes enclose fields only if
    # lines would otherwise have unequal numbers of fields, or if all quoted fields are well formed.
    width, enclose, open_at = None, True, 0
    for line, fields in _unquoted(path, delimiter):
        width = width or len(fields)
        if len(fields) != width:
            return True
        is_well_formed = all(map(_well_quoted, fields))
        enclose, open_at = enclose and is_well_formed, open_at or (0 if is_well_formed else line)
    if open_at and _is_even(path, delimiter, width or 0):
        raise InputError(
            f"{path}, line {open_at}: a quote opens a field. It may be part of the text, or the field may continue "
            "in the next line: set --data.quoting none or --data.quoting standard"
        )
    return enclose


def _is_even(path: Path, delimiter: str, width: int) -> bool:
    """Returns whether all rows have `width` fields if quotes enclose fields."""
    try:
        return all(len(fields) == width for _, fields in _quoted(path, delimiter))
    except InputError:
        return False


def _well_quoted(field: str) -> bool:
    if not field.startswith('"'):
        return True
    return len(field) > 1 and field.endswith('"') and '"' not in field[1:-1].replace('""', "")


def _header(path: Path, record: Record | None, delimiter: str) -> list[str]:
    if record is None:
        raise InputError(f"{path} is empty; expected a header line with the column names, then rows")
    names = [name.strip() for name in record[1]]
    other = max(SEPARATORS, key=names[0].count)
    if len(names) == 1 and other != delimiter and other in names[0]:
        raise InputError(
            f"{path}: the header is a single column, {names[0]!r}, when split at {delimiter!r}; it seems to be "
            f"separated by {other!r}: set --data.delimiter {SEPARATORS[other]}"
        )
    refuse_twice(names, f"{path}: the header")
    return names


def _uneven(path: Path, width: int, first: Record, rest: Iterator[Record], delimiter: str) -> InputError:
    line, fields = first
    n = 1
    # Only for the count; other errors further down are not reported now.
    with contextlib.suppress(InputError):
        for _, others in rest:
            n += len(others) != width
    return InputError(
        f"{path}, line {line}: found {len(fields)} fields, expected {width} as in the header ({n} such rows in all), "
        f"split at {delimiter!r}; quote fields that contain the separator, or set --data.delimiter or --data.quoting"
    )
