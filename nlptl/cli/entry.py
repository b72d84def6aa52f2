"""The command line: `nlptl COMMAND ...`, and `main(RECIPE)` for the scripts under recipes/."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

from nlptl.cli import completion, help
from nlptl.cli.guard import guarded
from nlptl.cli.imports import import_named
from nlptl.core import registry
from nlptl.core.errors import InputError, nearest

if TYPE_CHECKING:
    from nlptl.core.recipe import Recipe

COMMANDS = ("train", "evaluate", "predict", "explain", "compare", "rank", "tune", "report", "push", "complete")


def run() -> NoReturn:
    """Runs the command line of this process and exits."""
    sys.exit(command(sys.argv[1:]))


def command(argv: Sequence[str]) -> int:
    """Runs a command line and returns its exit status.

    0, 1 (training failed), 2 (wrong input), 130 or 143 (stopped by SIGINT or SIGTERM).
    """
    if completion.ASKED in os.environ:
        return completion.answer(_choose, COMMANDS)
    if not argv or argv[0] in ("-h", "--help", "help"):
        return guarded(lambda: _help(list(argv[1:])))
    if argv[0] == "--version":
        from nlptl import __version__

        sys.stdout.write(f"nlptl {__version__}\n")
        return 0
    return guarded(lambda: _run(argv[0], argv[1:]))


def main(recipe: Recipe, argv: Sequence[str] | None = None) -> int:
    """Runs a script's recipe, with the command line's changes.

    Args:
        recipe: the script's.
        argv: the words of the command line; default: this process's.

    Returns:
        The exit status; see `command`.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    return guarded(lambda: _run("train", given, recipe))


def _run(name: str, argv: Sequence[str], *script: Recipe) -> int:
    chosen = _choose(name)
    import_named(argv)
    return chosen(list(argv), *script)


def _choose(name: str) -> Callable[..., int]:
    """Returns the function of a command; function and file have the command's name."""
    if name not in COMMANDS:
        task = f" (did you mean nlptl train {name}?)" if name in registry.names("task") else ""
        known = (*COMMANDS, "help")
        raise InputError(f"nlptl has no command {name!r}{task or nearest(name, known)}; commands: {', '.join(known)}")
    found: Callable[..., int] = getattr(importlib.import_module(f"nlptl.cli.{name}"), name)
    return found


def _help(topic: list[str]) -> int:
    """Prints the overview, or the help of a command, a task or a method: `nlptl help train`, `nlptl help lora`."""
    if not topic or topic == ["all"]:
        sys.stdout.write(help.overview())
        return 0
    first, *rest = topic
    which = ["--help", "all"] if rest[-1:] == ["all"] else ["--help"]
    rest = rest[:-1] if rest[-1:] == ["all"] else rest
    if first in registry.names("task"):
        first, rest = "train", [first, *rest]
    elif first in registry.names("method"):
        first, rest = "train", ["--method", first, *rest]
    return _choose(first)([*rest, *which])
