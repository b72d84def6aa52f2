"""Checks of settings: types, choices and ranges, with the field's name in every message; and values read from texts."""

import dataclasses
import re
import sys
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from nlptl.core.errors import InputError, nearest

NOTHING = ("null", "Null", "NULL", "~")
"""YAML's words for None."""
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


def read_value(name: str, hint: Any, text: str) -> Any:
    """Returns the value that a text stands for, such as the "16" of a command line.

    Text and data (Any) are never anything else: a file may be named 2024 or null. A choice is written as it is. A list
    may be written with commas. All else is YAML, which includes JSON.

    Args:
        name: of what is read, for the message.
        hint: the annotation that says what the text may stand for.
        text: what was written.

    Raises:
        InputError: the text stands for nothing that the annotation allows.
    """
    named, kinds = choices(hint), [kind for kind in alternatives(hint) if kind not in (str, NoneType)]
    if Any in kinds or not kinds:
        return text
    if text in named:
        return named[text]
    if text in NOTHING and _fits(None, hint) and not _fits(text, hint):
        return None
    value = _value_or_text(text)
    may_be_list = not named or "," in text  # a single word is rather a choice that is misspelt
    for kind in kinds:
        found = _as_kind(kind, _items(kind, value, text) if may_be_list else value)
        if _fits_one(found, kind):
            return found
    if _fits(text, hint):
        return text
    raise wrong_value(name, hint, text)


def from_yaml(text: str) -> Any:
    """Returns the value of a YAML text, with 1e-4 as a number, which YAML 1.1 takes for a text.

    Raises:
        yaml.YAMLError: it is not valid.
        ValueError: a value in it is none, such as a 13th month.
        RecursionError: it is nested without end.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
    )
    return yaml.load(text, Loader)


def choices(hint: Any) -> dict[str, Any]:
    """Returns the values that an annotation names, by the text that stands for each."""
    return {str(value): value for kind in alternatives(hint) if get_origin(kind) is Literal for value in get_args(kind)}


def listed(value: Any) -> Any:
    """Returns the parts of a text with commas, such as "accuracy,auroc", as a list; any other value as it is."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def wrong_value(name: str, hint: Any, value: Any) -> InputError:
    """Returns the error for a value that does not fit an annotation, with the nearest choice."""
    return InputError(f"{name} must be {described(hint)}, found {value!r}{nearest(str(value), choices(hint))}")


def described(hint: Any) -> str:
    """Returns what an annotation asks for, in words."""
    return " or ".join(_described(h) for h in alternatives(hint) if h is not NoneType)


def at_least(name: str, value: float | None, low: float) -> None:
    """Raises an InputError when a value is below `low`; None passes."""
    if value is not None and not value >= low:
        raise InputError(f"{name} must be at least {low}, found {value}")


def within(name: str, value: float | None, low: float, high: float) -> None:
    """Raises an InputError when a value is outside of `low` to `high`; None passes."""
    if value is not None and not low <= value <= high:
        raise InputError(f"{name} must be between {low:,} and {high:,}, found {value}")


def alternatives(hint: Any) -> tuple[Any, ...]:
    """Returns the annotations that a union joins; of any other annotation itself alone."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _value_or_text(text: str) -> Any:
    import yaml

    try:
        return from_yaml(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return text


def _items(hint: Any, value: Any, text: str) -> Any:
    """Returns the items of a list that is written with commas; anything else as it is."""
    if get_origin(hint) not in (list, tuple) or isinstance(value, list):
        return value
    return listed(text) if str in get_args(hint) else _value_or_text(f"[{text}]")


def _as_kind(hint: Any, value: Any) -> Any:
    """Returns a value of YAML as an annotation has it: a whole number as float, a list as tuple."""
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
