"""JSON as Python reads it, but for values that it would lose or that break it."""

import json

from nlptl.core.errors import InputError


class NamedTwiceError(InputError):
    """An object has two values of one name, of which Python would keep the last."""


def parsed(text: str, where: str) -> object:
    """Returns the value of a JSON text.

    Args:
        text: the JSON.
        where: begins the messages.

    Raises:
        json.JSONDecodeError: the text is not JSON.
        InputError: an object names a value twice, a number is too long, or lists lie too deep in each other.
    """
    try:
        return json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError:
        raise
    except NamedTwiceError as error:
        raise InputError(f"{where}: {error}") from error
    except ValueError as error:
        raise InputError(f"{where}: a number has more digits than Python reads; write it as a string") from error
    except RecursionError as error:
        raise InputError(f"{where}: lists or objects lie too deep in each other") from error


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise NamedTwiceError(f"an object names {twice!r} twice; rename or remove one of the two")
    return found
