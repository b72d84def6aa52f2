"""Writes out the words of a command line: short flags in full, and a flag before each word that lacks one."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from nlptl.core import registry
from nlptl.core.errors import InputError

SHORT = {"-m": "--method.name", "--method": "--method.name", "-o": "--output", "-h": "--help"}
"""Short forms of the flags that are used most."""
FREE_TEXT = ("--text", "--text-pair", "--question", "--context")
"""Flags whose value is a user's text, which may begin with dashes."""


def written_out(argv: Sequence[str], known: Collection[str]) -> list[str]:
    """Returns the words with short flags in full, and a number or text that begins with a dash joined to its flag.

    Args:
        argv: the words of a command line.
        known: every flag; a text that equals one of them must be written as --text=TEXT.
    """
    words: list[str] = []
    for word in argv:
        name, sign, value = word.partition("=")
        before = words[-1] if words else ""
        is_text = before in FREE_TEXT and word.startswith("-") and name not in known
        if is_text or (before in known and re.match(r"-\.?\d", word)):
            words[-1] += f"={word}"
        else:
            words.append((SHORT[name] if SHORT.get(name) in known else name) + sign + value)
    return words


def with_flags(argv: Sequence[str], *, has_task: bool) -> list[str]:
    """Returns the words of `nlptl train TASK DATA ...` as --task.name TASK --data.train DATA ....

    Args:
        argv: the words after the command, or after a script's name.
        has_task: whether the first word may be the task; in a script it is the data.

    Raises:
        InputError: the data is given twice, or is given without a task.
    """
    argv = written_out(argv, SHORT.values())
    n = next((i for i, word in enumerate(argv) if word.startswith("-")), len(argv))
    names, rest = list(argv[:n]), list(argv[n:])
    words: list[str] = []
    if has_task and names:
        words += ["--task.name", _task(names.pop(0))]
    if names:
        data, given = names.pop(0), value_of("--data.train", rest)
        if given is not None:
            raise InputError(f"the training data is given twice: {data!r}, and --data.train {given!r}")
        words += ["--data.train", data]
    return [*words, *names, *rest]


def value_of(flag: str, argv: Sequence[str]) -> str | None:
    """Returns the last value that a command line gives a flag."""
    found = None
    for i, word in enumerate(argv):
        if word == flag and i + 1 < len(argv):
            found = argv[i + 1]
        elif word.startswith(f"{flag}="):
            found = word.partition("=")[2]
    return found


def _task(word: str) -> str:
    known = registry.names("task")
    looks_like_data = Path(word).exists() or re.search(r"[/:]|\.[^A-Z]\w*$", word)  # a class begins with a capital
    if word not in known and looks_like_data:
        raise InputError(
            f"{word!r} is data, expected a task before it: nlptl train {known[0]} {word}; tasks: {', '.join(known)}"
        )
    return word
