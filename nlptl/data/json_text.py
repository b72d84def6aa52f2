"""Parses JSON, with errors for what Python would silently lose or fail on."""

import json

from nlptl.core.errors import InputError


class NamedTwiceError(InputError):
    """An object has the same key twice; Python would keep only the last value."""


def parsed(text: str, where: str) -> object:
    """Returns the value of a JSON text.

    Args:
        text: the JSON.
        where: the place of the text, which begins the messages.

    Raises:
        json.JSONDecodeError: the text is not JSON.
        InputError: an object has a key twice, a number is too long, or the nesting is too deep.
    """
    try:
        return json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError:
        raise
    except NamedTwiceError as error:
        raise InputError(f"{where}: {error}") from error
    except ValueError as error:
        raise InputError(f"{where}: a number has more digits than Python can read; write it as a string") from error
    except RecursionError as error:
        raise InputError(f"{where}: lists or objects are nested too deeply") from error


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise NamedTwiceError(f"an object has the key {twice!r} twice; rename or remove one of them")
    return values
