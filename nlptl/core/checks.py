"""Checks of settings (types, choices, ranges), with the field's name in every message; parsing of values."""

import dataclasses
import re
import sys
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from nlptl.core.errors import InputError, nearest

T = TypeVar("T")
NOTHING = ("null", "Null", "NULL", "~")
"""YAML's words for None."""
WORDS = {bool: "true or false", int: "a whole number", float: "a finite number", str: "a text", NoneType: "null"}


def check_types(part: str, settings: Any) -> None:
    """Checks every field of a dataclass against its annotation.

    Args:
        part: the part of the recipe, for the message: "train", "method".
        settings: the dataclass.

    Raises:
        InputError: a value has the wrong type or is not one of the choices.
    """
    hints = get_type_hints(type(settings))
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if not _fits(value, hints[field.name]):
            raise wrong_value(f"{part}.{field.name}", hints[field.name], value)


def read_value(name: str, hint: Any, text: str) -> Any:
    """Parses a setting from text, such as the "16" of a command line.

    Fields annotated `str` or `Any` (data) keep the text as it is, because a file may be named 2024 or null. A list may
    be written with commas. Everything else except choices is parsed as YAML, which includes JSON.

    Args:
        name: the setting's name, for the message.
        hint: the setting's type annotation.
        text: the text to parse.

    Raises:
        InputError: the text is no value of that type.
    """
    named, kinds = choices(hint), [kind for kind in alternatives(hint) if kind not in (str, NoneType)]
    if Any in kinds or not kinds:
        return text
    if text in named:
        return named[text]
    if text in NOTHING and _fits(None, hint) and not _fits(text, hint):
        return None
    value = _value_or_text(text)
    may_be_list = not named or "," in text  # a single word is more likely a misspelt choice
    for kind in kinds:
        converted = _as_kind(kind, _items(kind, value, text) if may_be_list else value)
        if _fits_one(converted, kind):
            return converted
    if _fits(text, hint):
        return text
    raise wrong_value(name, hint, text)


def from_yaml(text: str) -> Any:
    """Parses YAML; unlike in YAML 1.1, 1e-4 is a number.

    Raises:
        yaml.YAMLError: the text is not valid YAML.
        ValueError: a value is impossible, such as a date in month 13.
        RecursionError: the nesting is too deep.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
    )
    return yaml.load(text, Loader)


def choices(hint: Any) -> dict[str, Any]:
    """Returns the choices of a `Literal` annotation, by their text."""
    return {str(value): value for kind in alternatives(hint) if get_origin(kind) is Literal for value in get_args(kind)}


def listed(value: Any) -> Any:
    """Splits text such as "accuracy,auroc" at commas; any other value is returned unchanged."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def wrong_value(name: str, hint: Any, value: Any) -> InputError:
    """Returns the error for a value that does not fit an annotation, with the nearest choice."""
    return InputError(f"{name} must be {described(hint)}, found {value!r}{nearest(str(value), choices(hint))}")


def described(hint: Any) -> str:
    """Describes in words what an annotation allows."""
    return " or ".join(_described(h) for h in alternatives(hint) if h is not NoneType)


def known(name: str, value: T | None) -> T:
    """Returns a setting that has been resolved; raises a ValueError if it is still open."""
    if value is None:
        raise ValueError(f"{name} is not resolved: see nlptl/runs/settings.py")
    return value


def at_least(name: str, value: float | None, low: float) -> None:
    """Raises an InputError if a value is below `low`; None passes."""
    if value is not None and not value >= low:
        raise InputError(f"{name} must be at least {low}, found {value}")


def within(name: str, value: float | None, low: float, high: float) -> None:
    """Raises an InputError if a value is outside `low` to `high`; None passes."""
    if value is not None and not low <= value <= high:
        raise InputError(f"{name} must be between {low:,} and {high:,}, found {value}")


def alternatives(hint: Any) -> tuple[Any, ...]:
    """Returns the members of a union; for any other annotation, the annotation itself."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _value_or_text(text: str) -> Any:
    import yaml

    try:
        return from_yaml(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return text


def _items(hint: Any, value: Any, text: str) -> Any:
    """Splits a list written with commas if the annotation is a list; any other value is returned unchanged."""
    if get_origin(hint) not in (list, tuple) or isinstance(value, list):
        return value
    return listed(text) if str in get_args(hint) else _value_or_text(f"[{text}]")


def _as_kind(hint: Any, value: Any) -> Any:
    """Converts a YAML value to the annotated type: a whole number to float, a list to tuple."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (list, tuple) and isinstance(value, list):
        return origin(_as_kind(inner[0], item) for item in value)
    if origin is dict and isinstance(value, dict):
        return {key: _as_kind(inner[1], item) for key, item in value.items()}
    return float(value) if hint is float and type(value) is int and _fits_one(value, float) else value


def _described(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(str, get_args(hint)))
    if get_origin(hint) in (list, tuple):
        return "a list, each item " + _described(get_args(hint)[0])
    return "a mapping of names" if get_origin(hint) is dict else WORDS.get(hint, str(hint))


def _fits(value: Any, hint: Any) -> bool:
    return any(_fits_one(value, h) for h in alternatives(hint))


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
        return isinstance(value, int | float) and abs(value) <= sys.float_info.max
    return isinstance(value, hint)
