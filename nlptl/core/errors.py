"""Errors that a user can act on: what was expected, what was found, what to do."""

import difflib
from collections.abc import Iterable

from nlptl.core.shown import MESSAGE, shown_lines


class NlptlError(Exception):
    """Base of every error that nlptl raises on purpose; the command line prints it without a traceback."""

    def __str__(self) -> str:
        """Returns the message, safe to print: the data that it quotes may hold control characters."""
        return shown_lines(super().__str__(), MESSAGE)


class InputError(NlptlError, ValueError):
    """Something the user gave (a file, a column, a flag, a value) cannot be used."""


class TrainingError(NlptlError, RuntimeError):
    """Training had to stop, for example because the loss was not finite or the reload check failed."""


class HubError(NlptlError, RuntimeError):
    """The Hub could not be reached, or did not do what was asked: trying again later may help."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Returns " (did you mean 'x'?)" for the known name closest to `name`, or an empty string if none is close.

    Args:
        name: what the user wrote.
        known: the accepted names.
    """
    lowered = {k.lower(): k for k in known}
    close = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.5)
    return f" (did you mean {lowered[close[0]]!r}?)" if close else ""
