"""Reads records from JSON values, each value checked against the annotation of its field."""

import dataclasses
from collections.abc import Mapping
from dataclasses import MISSING
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints, is_typeddict

from nlptl.core import files

T = TypeVar("T")


def from_file(cls: type[T], path: Path, known: int, advice: str) -> T:
    """Returns the record in a JSON file.

    Args:
        cls: a dataclass.
        path: of the file.
        known: the newest format that this version reads.
        advice: what to do if the file is damaged, for the message.

    Raises:
        InputError: the file is damaged, or a newer nlptl wrote it.
    """
    values = files.read_object(path, advice)
    files.check_format(path, values.get("format"), known)
    try:
        return record(cls, values, path.name)
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise files.damaged(path, error, advice) from error


def record(cls: type[T], value: object, place: str) -> T:
    """Returns a record from a JSON object; unknown fields are ignored.

    Args:
        cls: a dataclass.
        value: the object.
        place: its name in messages.

    Raises:
        TypeError: a field is missing, or a value does not have the type of its field.
    """
    hints, given = get_type_hints(cls), of_type(dict, value, place)
    missing = [f.name for f in dataclasses.fields(cls) if f.name not in given and _is_required(f)]  # type: ignore[arg-type]
    if missing:
        raise TypeError(f"{place} has no {missing[0]}")
    return cls(**{name: _read(hint, given[name], f"{place}.{name}") for name, hint in hints.items() if name in given})


def of_type(kind: type[T] | tuple[type[T], ...], value: object, place: str) -> T:
    """Returns a value if it has a type.

    Raises:
        TypeError: it has not.
    """
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"{place} is {value!r:.60}")
    return value


def _read(hint: Any, value: object, place: str) -> object:
    """Converts a JSON value to the annotated type; `place` is its name in messages."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is object:
        return value
    if origin in (Union, UnionType):
        return None if value is None else _read(next(a for a in arguments if a is not type(None)), value, place)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return record(hint, value, place)
    if origin in (dict, Mapping):
        return {name: _read(arguments[1], v, f"{place}.{name}") for name, v in of_type(dict, value, place).items()}
    if origin in (list, tuple):
        given = of_type((list, tuple), value, place)
        plain = all(type(v) is arguments[0] for v in given)  # a confusion matrix may have a million counts
        parts = list(given) if plain else [_read(arguments[0], v, place) for v in given]
        return tuple(parts) if origin is tuple else parts
    return _single(hint, value, place)


def _single(hint: Any, value: object, place: str) -> object:
    if hint is float:
        return float("nan") if value is None else float(of_type((int, float), value, place))  # JSON has no NaN
    if get_origin(hint) is Literal:
        return _known(get_args(hint), value, place)
    return of_type(dict if is_typeddict(hint) else hint, value, place)


def _known(names: tuple[object, ...], value: object, place: str) -> object:
    if value not in names:
        raise TypeError(f"{place} is {value!r:.60}")
    return value


def _is_required(record_field: dataclasses.Field[object]) -> bool:
    return record_field.default is MISSING and record_field.default_factory is MISSING
