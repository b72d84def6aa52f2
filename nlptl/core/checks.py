"""Checks of settings: types, choices and ranges, with the field's name in every message."""

import dataclasses
import math
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from nlptl.core.errors import InputError, nearest

WORDS = {bool: "true or false", int: "a whole number", float: "a finite number", str: "a text", NoneType: "null"}


def check_types(part: str, settings: Any) -> None:
    """Checks every field of a dataclass against its annotation.

    Args:
        part: of the recipe, for the message: "train", "method".
        settings: the dataclass.

    Raises:
        InputError: a value has another type, or is none of the choices.
    """
    hints = get_type_hints(type(settings))
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if not _fits(value, hints[field.name]):
            raise wrong_value(f"{part}.{field.name}", hints[field.name], value)


def listed(value: Any) -> Any:
    """Returns the parts of a text with commas, such as "accuracy,auroc", as a list; any other value as it is."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def wrong_value(name: str, hint: Any, value: Any) -> InputError:
    """Returns the error for a value that does not fit an annotation, with the nearest choice."""
    choices = [str(c) for h in _alternatives(hint) for c in get_args(h) if get_origin(h) is Literal]
    return InputError(f"{name} must be {described(hint)}, found {value!r}{nearest(str(value), choices)}")


def described(hint: Any) -> str:
    """Returns what an annotation asks for, in words."""
    return " or ".join(_described(h) for h in _alternatives(hint) if h is not NoneType)


def at_least(name: str, value: float | None, low: float) -> None:
    """Raises an InputError when a value is below `low`; None passes."""
    if value is not None and not value >= low:
        raise InputError(f"{name} must be at least {low}, found {value}")


def within(name: str, value: float | None, low: float, high: float) -> None:
    """Raises an InputError when a value is outside of `low` to `high`; None passes."""
    if value is not None and not low <= value <= high:
        raise InputError(f"{name} must be between {low:,} and {high:,}, found {value}")


def _alternatives(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _described(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(str, get_args(hint)))
    if get_origin(hint) in (list, tuple):
        return "a list, each item " + _described(get_args(hint)[0])
    return "a mapping of names" if get_origin(hint) is dict else WORDS.get(hint, str(hint))


def _fits(value: Any, hint: Any) -> bool:
    return any(_fits_one(value, h) for h in _alternatives(hint))


def _fits_one(value: Any, hint: Any) -> bool:
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any or origin is Literal:
        return hint is Any or value in inner
    if origin in (list, tuple):
        return isinstance(value, list | tuple) and all(_fits(v, inner[0]) for v in value)
    if origin is dict:
        return isinstance(value, dict) and all(_fits(v, inner[1]) for v in value.values())
    if isinstance(value, bool):
        return hint is bool
    if hint is float:
        return isinstance(value, int | float) and math.isfinite(value)
    return isinstance(value, hint)
