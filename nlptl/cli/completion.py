"""Answers a shell that asks what may follow on a command line, through argcomplete."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
from collections.abc import Callable, Sequence

from nlptl.cli.flags import Command
from nlptl.cli.words import SHORT
from nlptl.core import registry
from nlptl.core.errors import NlptlError

ASKED = "_ARGCOMPLETE"
"""The environment variable that is set when a shell asks for completions."""


def answer(choose: Callable[[str], Callable[..., int]], commands: Sequence[str]) -> int:
    """Answers a shell, which passes the line and the cursor's place as environment variables; returns the exit status.

    Args:
        choose: returns the function of a command.
        commands: the names of all commands.
    """
    from argcomplete.lexers import split_line

    line, point = _in_full(os.environ["COMP_LINE"], int(os.environ["COMP_POINT"]))
    os.environ |= {"COMP_LINE": line, "COMP_POINT": str(point)}
    _, prefix, _, words, _ = split_line(line, point)
    if len(words) == 1:
        _offer([*commands, "help"])
    os.environ[ASKED] = "2"  # argcomplete then takes the command for the program's name
    if words[1:] == ["train"] and not prefix.startswith("-"):
        _offer(registry.names("task"))
    if words[1:] == ["help"]:
        _offer([*commands, *registry.names("task"), *registry.names("method")])
    with contextlib.suppress(NlptlError, SystemExit):
        choose(words[1])(words[2:])  # ends the process in `offer_flags`
    return 0


def offer_flags(command: Command) -> None:
    """Tells the shell which flags or values may follow, and ends the process."""
    import argcomplete
    from argcomplete.completers import ChoicesCompleter, FilesCompleter

    parser = argparse.ArgumentParser(add_help=False)
    for flag in command.flags:
        if flag.hint is None:
            parser.add_argument(flag.written, action="store_true")
            continue
        made = parser.add_argument(flag.written)
        offered = dict.fromkeys(flag.offered, "")
        made.completer = ChoicesCompleter(offered) if offered else FilesCompleter()  # type: ignore[attr-defined]
    parser.add_argument("words", nargs="*")
    argcomplete.autocomplete(parser)


def _offer(names: Sequence[str]) -> None:
    import argcomplete

    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("name", choices=names)
    argcomplete.autocomplete(parser)


def _in_full(line: str, point: int) -> tuple[str, int]:
    """Returns the line with the short flags before the cursor in full, and the cursor's new place."""
    done = re.sub(r"(?<=\s)(\S+)(?=\s)", lambda word: SHORT.get(word[0], word[0]), line[:point])
    return done + line[point:], len(done)
