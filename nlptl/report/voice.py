"""How text reaches the terminal: cleaned, in characters that it has, and as much as was asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import IO, Literal

from rich.console import Console, RenderableType
from rich.text import Text

from nlptl.core.shown import shown, writable

Loudness = Literal["quiet", "normal", "verbose"]
"""quiet: results, warnings and errors; verbose: details of what is done as well."""

MOST_CELL = 40
"""Characters of a label in a table."""

_loudness: ContextVar[Loudness] = ContextVar("loudness", default="normal")


@contextmanager
def speaking(loudness: Loudness) -> Iterator[None]:
    """Sets how much is printed within the block."""
    token = _loudness.set(loudness)
    try:
        yield
    finally:
        _loudness.reset(token)


def is_quiet() -> bool:
    """Returns whether only results, warnings and errors are wanted."""
    return _loudness.get() == "quiet"


def is_verbose() -> bool:
    """Returns whether details are wanted."""
    return _loudness.get() == "verbose"


def say(about: str, text: str) -> None:
    """Prints a line on standard output, unless quiet.

    Args:
        about: what it is about, in one word; it begins the line.
        text: the rest, anybody's.
    """
    if not is_quiet():
        tell(about, text)


def warn(message: str, *, stderr: bool = False) -> None:
    """Prints a warning, also when quiet.

    Args:
        message: the warning.
        stderr: whether on standard error, because data may go to standard output.
    """
    tell("warning", message, stderr=stderr)


def tell(about: str, text: str, *, stderr: bool = False) -> None:
    """Prints a line as `say`, also when quiet."""
    console = Console(stderr=stderr)
    console.print(clean(f"{about:<7} {text}", console.file), soft_wrap=True)


def note(text: str) -> None:
    """Prints a line on standard error, unless quiet: what is said of data that goes to standard output."""
    if not is_quiet():
        console = Console(stderr=True)
        console.print(clean(text, console.file), soft_wrap=True)


def detail(text: str) -> None:
    """Prints a line as `note`, if details are wanted."""
    if is_verbose():
        note(text)


def put(something: RenderableType) -> None:
    """Prints a table, whose cells are `cell`s."""
    Console().print(something)


def cell(text: str, style: str = "", most: int | None = MOST_CELL) -> Text:
    """Returns a text for a table, cut in its middle if it is long; no markup is read in it."""
    return Text(shown_here(text, most), style)


def shown_here(text: str, most: int | None = None) -> str:
    """Returns a text as standard output can show it."""
    return writable(shown(text, most), Console().file)


def clean(text: str, stream: IO[str]) -> Text:
    """Returns a text as a stream can show it; rich reads no markup in it."""
    return Text(writable(shown(text), stream))
