"""jsonl files: one object per line."""

from collections.abc import Iterator
from json import JSONDecodeError
from pathlib import Path
from typing import ClassVar

from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError
from nlptl.data.files import text_lines
from nlptl.data.format import Format
from nlptl.data.json_text import parsed
from nlptl.data.table import Row


class Jsonl(Format):
    """JSON lines: one row per line; blank lines are skipped."""

    suffixes: ClassVar[tuple[str, ...]] = (".jsonl",)

    def rows(self, path: Path, config: DataConfig) -> Iterator[Row]:
        """Yields the rows.

        Raises:
            InputError: a line is not a JSON object, or there is none.
        """
        empty = True
        for number, line in enumerate(text_lines(path), 1):
            if line.strip():
                empty = False
                yield _object(line, f"{path}, line {number}", is_first=number == 1)
        if empty:
            raise InputError(f"{path} is empty; expected one JSON object per line")


def _object(line: str, where: str, *, is_first: bool) -> dict[str, object]:
    try:
        value = parsed(line, where)
    except JSONDecodeError as error:
        hint = "; it seems to be one list: rename it to .json" if is_first and line.lstrip()[0] == "[" else ""
        raise InputError(f"{where}: not valid JSON ({error.msg}, column {error.colno}){hint}") from error
    if not isinstance(value, dict):
        raise InputError(f"{where}: expected a JSON object, found {type(value).__name__}")
    return value
