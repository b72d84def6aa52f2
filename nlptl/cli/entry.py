"""The command line: `nlptl train | evaluate | predict`, and `main(RECIPE)` for the scripts under recipes/."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

from nlptl.cli.guard import guarded
from nlptl.core import registry
from nlptl.core.errors import InputError, nearest

if TYPE_CHECKING:
    from nlptl.core.recipe import Recipe

USAGE = """usage: nlptl COMMAND ...

Transfer learning for text: a task, a pretrained model, a method and data make a model that you can trust and ship.

commands:
  train [TASK]     train a model               nlptl train sentiment --data.train reviews.csv --method lora
  train --resume   go on with a stopped run    nlptl train --resume runs/a
  evaluate RUN     score a run on new data     nlptl evaluate runs/a --data.test test.csv
  predict RUN      label new texts             nlptl predict runs/a --input new.csv --output predictions.jsonl

tasks:    {tasks}
methods:  {methods}

nlptl COMMAND --help lists the flags of a command; nlptl train TASK --method NAME --help those of a method.
"""
COMMANDS = ("train", "evaluate", "predict")


def run() -> NoReturn:
    """Runs the command line of this process and exits."""
    sys.exit(command(sys.argv[1:]))


def command(argv: Sequence[str]) -> int:
    """Runs a command line and returns its exit status.

    0, 1 (training failed), 2 (wrong input), 130 or 143 (stopped by SIGINT or SIGTERM).
    """
    if not argv or argv[0] in ("-h", "--help"):
        sys.stdout.write(_usage())
        return 0
    if argv[0] == "--version":
        from nlptl import __version__

        sys.stdout.write(f"nlptl {__version__}\n")
        return 0
    return guarded(lambda: _choose(argv[0])(list(argv[1:])))


def main(recipe: Recipe, argv: Sequence[str] | None = None) -> int:
    """Runs a recipe script: the recipe with the command line's changes.

    Args:
        recipe: the script's.
        argv: default: this process's.

    Returns:
        The exit status, as `command`.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    return guarded(lambda: _choose("train")(given, recipe))


def _choose(name: str) -> Callable[..., int]:
    """Returns the function of a command, which is named as its file."""
    if name not in COMMANDS:
        raise InputError(f"nlptl has no command {name!r}{nearest(name, COMMANDS)}; commands: {', '.join(COMMANDS)}")
    found: Callable[..., int] = getattr(importlib.import_module(f"nlptl.cli.{name}"), name)
    return found


def _usage() -> str:
    return USAGE.format(tasks=", ".join(registry.names("task")), methods=", ".join(registry.names("method")))
