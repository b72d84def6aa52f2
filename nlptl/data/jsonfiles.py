"""json and jsonl files, row by row."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nlptl.core.errors import InputError
from nlptl.data.files import text_lines
from nlptl.data.squad import is_squad, squad_rows


class NamedTwiceError(InputError):
    """An object of a JSON file has two values of one name, of which Python would keep the last."""


TOO_LONG = "a number has more digits than Python reads; write it as a string"
TOO_DEEP = "lists or objects lie too deep in each other"


def read_jsonl(path: Path) -> Iterator[dict[str, object]]:
    """Yields one row a line; blank lines are no rows.

    Raises:
        InputError: a line is not a JSON object, or there is none.
    """
    empty = True
    for number, line in enumerate(text_lines(path), 1):
        if line.strip():
            empty = False
            yield _object(path, number, line)
    if empty:
        raise InputError(f"{path} is empty; expected one JSON object a line")


def read_json(path: Path) -> Iterator[dict[str, object]]:
    """Yields the rows of a list of objects, of an object that holds one such list, of columns, or of SQuAD's articles.

    Raises:
        InputError: the file is not JSON, holds something else, or no rows.
    """
    content = "".join(text_lines(path))
    if not content.strip():
        raise InputError(f"{path} is empty; expected a JSON list of objects")
    try:
        value = json.loads(content, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        hint = "; it seems to hold one object a line: name it .jsonl" if error.msg == "Extra data" else ""
        raise InputError(f"{path}, line {error.lineno}: not valid JSON ({error.msg}){hint}") from error
    except NamedTwiceError as error:
        raise InputError(f"{path}: {error}") from error
    except ValueError as error:
        raise InputError(f"{path}: {TOO_LONG}") from error
    except RecursionError as error:
        raise InputError(f"{path}: {TOO_DEEP}") from error
    yield from squad_rows(path, value) if is_squad(value) else _rows(path, value)


def _object(path: Path, number: int, line: str) -> dict[str, object]:
    try:
        value = json.loads(line, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        hint = "; it seems to hold one list: name it .json" if number == 1 and line.lstrip()[0] == "[" else ""
        raise InputError(f"{path}, line {number}: not valid JSON ({error.msg}, column {error.colno}){hint}") from error
    except NamedTwiceError as error:
        raise InputError(f"{path}, line {number}: {error}") from error
    except ValueError as error:
        raise InputError(f"{path}, line {number}: {TOO_LONG}") from error
    except RecursionError as error:
        raise InputError(f"{path}, line {number}: {TOO_DEEP}") from error
    if not isinstance(value, dict):
        raise InputError(f"{path}, line {number}: expected a JSON object, found {type(value).__name__}")
    return value


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


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise NamedTwiceError(f"an object names {twice!r} twice; rename or remove one of the two")
    return found
