"""json files: a list of rows, an object with such a list, columns, or SQuAD's articles."""

from collections.abc import Iterator
from json import JSONDecodeError
from pathlib import Path
from typing import Any, ClassVar

from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError
from nlptl.data.files import text_lines
from nlptl.data.format import Format
from nlptl.data.json_text import parsed
from nlptl.data.squad import is_squad, squad_rows
from nlptl.data.table import Row


class Json(Format):
    """JSON: a list of objects, an object with one such list, columns as pandas writes them, or SQuAD's layout."""

    suffixes: ClassVar[tuple[str, ...]] = (".json",)
    at_once: ClassVar[bool] = True

    def rows(self, path: Path, config: DataConfig) -> Iterator[Row]:
        """Yields the rows.

        Raises:
            InputError: the file is not JSON, has another layout, or has no rows.
        """
        content = "".join(text_lines(path))
        if not content.strip():
            raise InputError(f"{path} is empty; expected a JSON list of objects")
        try:
            value = parsed(content, str(path))
        except JSONDecodeError as error:
            hint = "; it seems to have one object per line: rename it to .jsonl" if error.msg == "Extra data" else ""
            raise InputError(f"{path}, line {error.lineno}: not valid JSON ({error.msg}){hint}") from error
        yield from squad_rows(path, value) if is_squad(value) else _rows(path, value)


def _rows(path: Path, value: object) -> list[dict[str, object]]:
    if isinstance(value, dict) and not any(map(_is_rows, value.values())):
        value = _from_columns(value) or value
    if isinstance(value, dict):
        lists = {key: v for key, v in value.items() if _is_rows(v)}
        if len(lists) != 1:
            found = f"{len(lists)} of them ({', '.join(lists)})" if lists else f"only {', '.join(value) or 'nothing'}"
            raise InputError(f"{path}: expected an object with exactly one list of objects, found {found}")
        value = next(iter(lists.values()))
    if not isinstance(value, list):
        raise InputError(f"{path}: expected a list of objects, found {type(value).__name__}")
    if not value:
        raise InputError(f"{path} has no rows: its list is empty")
    for position, row in enumerate(value):
        if not isinstance(row, dict):
            raise InputError(f"{path}, row {position}: expected a JSON object, found {type(row).__name__}")
    return value


def _from_columns(value: dict[str, Any]) -> list[dict[str, object]] | None:
    """Returns the rows of columns as pandas writes them: lists, or objects by row number; None for other objects.

    `DataFrame.to_json` writes {"text": {"0": "a"}}, and {"0": {"text": "a"}} with orient="index".
    """
    parts = list(value.values())
    if not parts or any(type(part) is not type(parts[0]) or len(part) != len(parts[0]) for part in parts[1:]):
        return None
    if isinstance(parts[0], list):
        return [dict(zip(value, row, strict=True)) for row in zip(*parts, strict=True)]
    if not isinstance(parts[0], dict) or any(part.keys() != parts[0].keys() for part in parts):
        return None
    if all(map(str.isdecimal, parts[0])):
        return [{name: part[row] for name, part in value.items()} for row in parts[0]]
    return parts if all(map(str.isdecimal, value)) else None


def _is_rows(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(row, dict) for row in value)
