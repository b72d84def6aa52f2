"""Imports the user's own modules that a command line names, before anything else is read."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from nlptl.core import registry

NAMED = ("--task.name", "--method.name", "--method", "-m", "--eval.metrics", "--train.callbacks", "--train.trackers")
"""Flags whose value may be a dotted name. A typed name is imported; a name in a file is not."""
DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")


def import_named(argv: Sequence[str]) -> None:
    """Imports the modules of `--import` and of typed dotted names, such as my_package.MyMethod.

    They are looked for on Python's path, then in the current folder.

    Raises:
        InputError: a module cannot be imported.
    """
    for module in (*_values(argv, ("--import",)), *map(_module, filter(DOTTED.fullmatch, _values(argv, NAMED)))):
        package = module.partition(".")[0]
        if package not in sys.modules and str(Path.cwd()) not in sys.path and find_spec(package) is None:
            sys.path.append(str(Path.cwd()))
        registry.import_module(module)


def _module(name: str) -> str:
    return name.rpartition(".")[0]


def _values(argv: Sequence[str], flags: Sequence[str]) -> Iterator[str]:
    """Yields the values that a command line gives some flags; commas separate several."""
    for i, word in enumerate(argv):
        name, sign, value = word.partition("=")
        if name in flags and (sign or i + 1 < len(argv)):
            text = value if sign else argv[i + 1]
            yield from (part for part in re.split(r"[\s,\[\]'\"]+", text) if part)
