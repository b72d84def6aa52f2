"""Errors that a user can act on: what was expected, what was found, what to do."""

import difflib
from collections.abc import Iterable

from nlptl.core.shown import MESSAGE, shown_lines


class NlptlError(Exception):
    """Base of every error that nlptl raises on purpose; the command line prints it without a traceback."""

    def __str__(self) -> str:
        """Returns the message as it may be shown: it quotes labels, texts and paths, which may be anything."""
        return shown_lines(super().__str__(), MESSAGE)


class InputError(NlptlError, ValueError):
    """Something the user gave (a file, a column, a flag, a value) cannot be used."""


class TrainingError(NlptlError, RuntimeError):
    """Training had to stop: the loss was not finite, the reload check failed."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Returns " (did you mean 'x'?)" for the known name closest to `name`, or an empty string when none is close.

    Args:
        name: what the user wrote.
        known: the names that would have been accepted.
    """
    lowered = {k.lower(): k for k in known}
    found = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.5)
    return f" (did you mean {lowered[found[0]]!r}?)" if found else ""
