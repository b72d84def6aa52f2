"""What may follow a command, as records: its flags, many of them made from the fields of settings, and its words."""

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
"""What stands for a value of some types in the help."""


@dataclass(frozen=True)
class Flag:
    """A flag, or a word that is known by its place."""

    written: str
    """As it is typed, "--text-pair"; a word has no dashes, "run"."""
    help: str
    hint: Any = str
    """The annotation by which its value is read; None: it takes no value, and is true if it is given."""
    default: Any = None
    """Its value if it is not given; MISSING: then it has none."""
    metavar: str = ""
    """What stands for the value in the help, if not what follows from the annotation."""
    group: str = ""
    """The heading under which the whole help lists it; flags without one are always shown."""
    suggested: tuple[str, ...] = ()
    """Values that a shell offers, if the annotation names none."""

    @property
    def name(self) -> str:
        """The name of its value, "text_pair"."""
        return self.written.lstrip("-").replace("-", "_")

    @property
    def is_word(self) -> bool:
        """Whether it has no dashes."""
        return not self.written.startswith("-")

    @property
    def label(self) -> str:
        """How messages call it: a setting as its dataclass does, "train.lr"."""
        return self.name.upper() if self.is_word else self.name if "." in self.name else self.written

    @property
    def placeholder(self) -> str:
        """What stands for the value in the help: its choices, a letter for a number, or the name."""
        if self.metavar or self.hint is None:
            return self.metavar
        if named := choices(self.hint):
            return "{" + ",".join(named) + "}"
        first = next(kind for kind in alternatives(self.hint) if kind is not NoneType)
        return LETTERS.get(first, self.name.rpartition(".")[2].upper())

    @property
    def offered(self) -> tuple[str, ...]:
        """The values that a shell may offer."""
        return self.suggested or tuple(choices(self.hint)) or (("true", "false") if self.hint is bool else ())


HELP = Flag("--help", "This help; all: with every flag.", None, default=False, metavar="[all]")
COMMON = (
    Flag(
        "--import",
        "Import your own modules first, such as my_package: a run that names their classes opens only then. Several "
        "with commas, or the flag repeated.",
        list[str] | None,
        metavar="MODULE",
    ),
    Flag("--quiet", "Print results, warnings and errors only.", None, default=False),
    Flag("--verbose", "Print details of what is done as well.", None, default=False),
)
"""The flags of every command that trains or opens a run, and of the recipe scripts."""


@dataclass(frozen=True)
class Command:
    """A command, and what may follow it."""

    prog: str
    about: str
    """What it does, for its help."""
    usage: str
    own: Sequence[Flag]
    words: tuple[str, ...] = ()
    """The names of what words without a flag stand for, in their order."""

    @cached_property
    def flags(self) -> tuple[Flag, ...]:
        """Everything that may follow, `--help` last."""
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
        part: what stands before the dot.
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
    """Returns the heading of the flags of a dataclass: its first line."""
    return f"{part}: {(cls.__doc__ or part).splitlines()[0].rstrip('.')}"


def field_docs(cls: type[Any]) -> dict[str, str]:
    """Returns the strings that stand below the fields of a class and its bases, each as one line."""
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
