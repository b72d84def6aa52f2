"""Records of commands and their flags; most flags are made from the fields of the settings."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from types import NoneType
from typing import Any, get_type_hints

from nlptl.core.checks import alternatives, choices

LETTERS = {bool: "{true,false}", int: "N", float: "X"}
"""Placeholders in the help for values of some types."""


@dataclass(frozen=True)
class Flag:
    """A flag, or a positional word."""

    written: str
    """As typed: "--text-pair"; a positional word has no dashes: "run"."""
    help: str
    hint: Any = str
    """The annotation by which the value is read; None for a switch, which takes no value and is true if given."""
    default: Any = None
    """The value if the flag is not given; MISSING: no value."""
    metavar: str = ""
    """The value's placeholder in the help; empty: made from the annotation."""
    group: str = ""
    """The heading under which `--help all` lists the flag; flags without one are always shown."""
    suggested: tuple[str, ...] = ()
    """Values that a shell offers; empty: those that the annotation names."""

    @property
    def name(self) -> str:
        """The name of the value: "text_pair"."""
        return self.written.lstrip("-").replace("-", "_")

    @property
    def is_word(self) -> bool:
        """Whether this is a positional word, which has no dashes."""
        return not self.written.startswith("-")

    @property
    def label(self) -> str:
        """The name in messages: "train.lr" for a setting, "RUN" for a word, else as typed."""
        return self.name.upper() if self.is_word else self.name if "." in self.name else self.written

    @property
    def placeholder(self) -> str:
        """What stands for the value in the help: its choices, a letter for a number, or the name."""
        if self.metavar or self.hint is None:
            return self.metavar
        if named := choices(self.hint):
            letters = dict.fromkeys(LETTERS[kind] for kind in alternatives(self.hint) if kind in LETTERS)
            return "{" + ",".join((*letters, *named)) + "}"
        first = next(kind for kind in alternatives(self.hint) if kind is not NoneType)
        return LETTERS.get(first, self.name.rpartition(".")[2].upper())

    @property
    def offered(self) -> tuple[str, ...]:
        """The values that a shell may offer."""
        return self.suggested or tuple(choices(self.hint)) or (("true", "false") if self.hint is bool else ())


HELP = Flag("--help", "Show this help; all: with every flag.", None, default=False, metavar="[all]")
COMMON = (
    Flag(
        "--import",
        "Import your own modules first, such as my_package; a run that uses their classes needs that. Give several "
        "with commas, or repeat the flag.",
        list[str] | None,
        metavar="MODULE",
    ),
    Flag("--quiet", "Print results, warnings and errors only.", None, default=False),
    Flag("--verbose", "Also print details of what is done.", None, default=False),
)
"""The flags of every command that trains or opens a run, and of the recipe scripts."""


@dataclass(frozen=True)
class Command:
    """A command, and what may follow it."""

    prog: str
    about: str
    """What the command does; shown in its help."""
    usage: str
    own: Sequence[Flag]
    words: tuple[str, ...] = ()
    """The names of the values that words without a flag set, in order."""
    many: str = ""
    """The name of the value that takes all words without a flag, as a list; empty: `words` takes them one by one."""

    @cached_property
    def flags(self) -> tuple[Flag, ...]:
        """All flags and words that may follow, `--help` last."""
        return (*self.own, HELP)

    @cached_property
    def known(self) -> list[str]:
        """The flags as they are typed."""
        return [flag.written for flag in self.flags if not flag.is_word]


def of_fields(
    cls: type[Any], part: str, only: Sequence[str] = (), values: Mapping[str, Any] | None = None
) -> list[Flag]:
    """Returns a flag for each field of a dataclass, with the field's docstring as help.

    Args:
        cls: the dataclass.
        part: the flags' prefix, such as "train".
        only: names of fields; empty for all.
        values: defaults that replace the fields' own.
    """
    docs, hints = field_docs(cls), get_type_hints(cls)
    return [
        Flag(
            f"--{part}.{field.name}",
            docs.get(field.name, ""),
            hints[field.name],
            default=(values or {}).get(field.name, field.default),
            group=heading(cls, part),
        )
        for field in dataclasses.fields(cls)
        if not only or field.name in only
    ]


def heading(cls: type[Any], part: str) -> str:
    """Returns the heading for a dataclass's flags: the first line of its docstring."""
    return f"{part}: {(cls.__doc__ or part).splitlines()[0].rstrip('.')}"


def field_docs(cls: type[Any]) -> dict[str, str]:
    """Returns the docstrings of the fields of a class and its bases, each as one line."""
    docs = {}
    for base in reversed(cls.__mro__[:-1]):
        try:
            (tree,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        except (OSError, TypeError):  # made without a file, as at Python's prompt
            continue
        for field, below in pairwise(getattr(tree, "body", ())):
            match field, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    docs[name] = " ".join(text.split())
    return docs
