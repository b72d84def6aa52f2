"""Prints on the terminal: only characters that it can show, and as much as was asked for."""

from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from contextvars import ContextVar
from io import StringIO
from typing import IO, Literal

from rich.console import Console, RenderableType
from rich.text import Text

from nlptl.core.shown import shown, writable

Loudness = Literal["quiet", "normal", "verbose"]
"""quiet: results, warnings and errors; verbose: details of what is done as well."""

MOST_CELL = 40
"""Most characters of a label in a table."""

_loudness: ContextVar[Loudness] = ContextVar("loudness", default="normal")


@contextmanager
def speaking(loudness: Loudness) -> Iterator[None]:
    """Sets how much is printed within the block."""
    token = _loudness.set(loudness)
    try:
        yield
    finally:
        _loudness.reset(token)


@contextmanager
def hushed(*, warnings: bool) -> Iterator[None]:
    """Prints nothing within the block, unless details are wanted.

    Args:
        warnings: whether results, warnings and errors are printed all the same.
    """
    if is_verbose():
        yield
    elif warnings:
        with speaking("quiet"):
            yield
    else:
        with redirect_stdout(StringIO()):
            yield


def is_quiet() -> bool:
    """Returns whether only results, warnings and errors are wanted."""
    return _loudness.get() == "quiet"


def is_verbose() -> bool:
    """Returns whether details are wanted."""
    return _loudness.get() == "verbose"


def say(about: str, text: str) -> None:
    """Prints a line on standard output, unless quiet.

    Args:
        about: one word that begins the line.
        text: the rest; cleaned, because it may come from anybody.
    """
    if not is_quiet():
        tell(about, text)


def warn(message: str, *, stderr: bool = False) -> None:
    """Prints a warning, even when quiet.

    Args:
        message: the warning.
        stderr: print on standard error, because standard output may carry data.
    """
    tell("warning", message, stderr=stderr)


def tell(about: str, text: str, *, stderr: bool = False) -> None:
    """Prints a line like `say`, even when quiet."""
    console = Console(stderr=stderr)
    console.print(clean(f"{about:<7} {text}", console.file), soft_wrap=True)


def note(text: str) -> None:
    """Prints a line on standard error, unless quiet: standard output may carry data."""
    if not is_quiet():
        console = Console(stderr=True)
        console.print(clean(text, console.file), soft_wrap=True)


def detail(text: str) -> None:
    """Prints a line like `note`, if details are wanted."""
    if is_verbose():
        note(text)


def put(something: RenderableType, *, soft_wrap: bool = False) -> None:
    """Prints a table, whose cells come from `cell`, or a text; `soft_wrap`: the terminal breaks its lines."""
    Console().print(something, soft_wrap=soft_wrap)


def cell(text: str, style: str = "", most: int | None = MOST_CELL) -> Text:
    """Returns a text for a table, cut in the middle if it is long; rich reads no markup in it."""
    return Text(shown_here(text, most), style)


def shown_here(text: str, most: int | None = None) -> str:
    """Returns a text as standard output can show it."""
    return writable(shown(text, most), Console().file)


def clean(text: str, stream: IO[str]) -> Text:
    """Returns a text as a stream can show it; rich reads no markup in it."""
    return Text(writable(shown(text), stream))
