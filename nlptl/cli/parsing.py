"""Parses a command line into values by name; each value is read by its flag's annotation."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import MISSING
from typing import Any, NoReturn

from nlptl.cli import completion, help
from nlptl.cli.flags import Command, Flag
from nlptl.cli.hints import meant
from nlptl.cli.words import written_out
from nlptl.core.checks import read_value
from nlptl.core.errors import InputError

TAKES_DATA = ("data.train", "data.test")
"""What a superfluous word may be, the likeliest first."""


class _Parser(argparse.ArgumentParser):
    """Finds the flags and the text after each; raises an error, where argparse ends the process."""

    def error(self, message: str) -> NoReturn:
        raise InputError(message.removeprefix("argument "))


def parse(command: Command, argv: Sequence[str]) -> dict[str, Any]:
    """Returns the values of a command line, nested by part; if it asks for help, prints that and exits.

    Raises:
        InputError: a flag is unknown, a word is missing or superfluous, or a value has the wrong type.
    """
    words = written_out(argv, command.known)
    if completion.ASKED in os.environ:
        completion.offer_flags(command)
    which = help.asked_for(words)
    if which is not None:
        sys.stdout.write(help.page(command, words, which))
        raise SystemExit(0)
    _check_flags(command, words)
    given = _given(command, words)
    values: dict[str, Any] = {}
    for flag in command.flags:
        value = _read(flag, given[flag.name]) if flag.name in given else flag.default
        part, _, field = flag.name.rpartition(".")
        if value is not MISSING:
            (values.setdefault(part, {}) if part else values)[field] = value
    return values


def _check_flags(command: Command, words: Sequence[str]) -> None:
    switches = [flag.written for flag in command.flags if flag.hint is None]
    for word in words:
        flag, sign, value = word.partition("=")
        if re.match(r"--?[A-Za-z]", flag) and flag not in command.known:
            hint = meant(flag, command.known)
            raise InputError(f"{command.prog} has no flag {flag}{hint}; {command.prog} --help all lists all flags")
        if sign and flag in switches:
            raise InputError(f"{flag} takes no value, found {value!r}")


def _given(command: Command, words: Sequence[str]) -> dict[str, Any]:
    """Returns what is given for each name: the last text after its flag, True for a switch, or a positional word."""
    parser = _Parser(add_help=False, allow_abbrev=False, argument_default=argparse.SUPPRESS)
    for flag in command.flags:
        if not flag.is_word:
            parser.add_argument(flag.written, dest=flag.name, action="store_true" if flag.hint is None else "store")
    found, free = parser.parse_known_args(words)
    given = {name: "--" if text == [] else text for name, text in vars(found).items()}  # Python 3.11 drops a text "--"
    if command.many and (words := [word for word in free if word == "-" or not word.startswith("-")]):
        given[command.many], free = words, [word for word in free if word not in words]
    for i, word in enumerate(free):
        if i >= len(command.words) or (word.startswith("-") and word != "-"):
            raise _unexpected(command, word, given)
        name = command.words[i]
        if name in given:
            raise InputError(f"the data is given twice: {word!r}, and --{name} {given[name]!r}")
        given[name] = word
    for flag in command.flags:
        if flag.is_word and flag.name not in given:
            meaning = flag.help[0].lower() + flag.help[1:].removesuffix(".")
            raise InputError(f"{command.prog} needs {flag.label}: {meaning}; {command.prog} --help says more")
    return given


def _read(flag: Flag, given: Any) -> Any:
    return given if flag.hint is None or not isinstance(given, str) else read_value(flag.label, flag.hint, given)


def _unexpected(command: Command, word: str, given: dict[str, Any]) -> InputError:
    names = {flag.name for flag in command.flags}
    free = [name for name in TAKES_DATA if name in names and name not in given]
    hint = f"; if it is data, write --{free[0]} {word}" if free and not word.startswith("-") else ""
    return InputError(f"{command.prog} does not expect {word!r} here{hint}")
