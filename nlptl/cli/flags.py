"""The flags of the command line, made from the dataclasses of a recipe; a wrong one is named with the nearest."""

from __future__ import annotations

import dataclasses
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from nlptl.cli import completion, help
from nlptl.cli.help import SUPPRESSED
from nlptl.cli.hints import meant
from nlptl.cli.output import add_loudness
from nlptl.cli.words import value_of, with_flags, written_out
from nlptl.core import registry
from nlptl.core.checks import wrong_value
from nlptl.core.errors import InputError
from nlptl.core.recipe import CHOSEN, PLAIN, Recipe

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser

TRAIN_USAGE = """nlptl train TASK [DATA] [flags]
       nlptl train --config runs/a/recipe.yaml [flags]
       nlptl train --resume runs/a"""
TAKES_DATA = ("--data.train", "--input", "--data.test")
"""Flags for data, the likeliest first."""


def parse_recipe(argv: Sequence[str], script: Recipe | None) -> tuple[Recipe, dict[str, Any]]:
    """Returns the recipe that a command line asks for, and its other flags.

    Args:
        argv: the words after `nlptl train`, or after a script's name.
        script: the script's recipe; None for `nlptl train`, whose first word may be the task.

    Raises:
        InputError: a flag, a name or a value cannot be used.
    """
    words = with_flags(argv, has_task=script is None)
    base = _configured(words) or script or Recipe()
    names = {kind: value_of(f"--{kind}.name", words) or _name(kind, base) for kind in CHOSEN}
    base = _with_method(base, names["method"])
    parser = _train_parser(base, names)
    values = parse(parser, words)
    return Recipe.from_dict({part: values[part] for part in (*CHOSEN, *PLAIN)}), values


def new_parser(prog: str, description: str) -> ArgumentParser:
    """Returns an empty parser that raises errors in place of exiting."""
    from jsonargparse import ArgumentParser

    return ArgumentParser(prog=prog, description=description, exit_on_error=False, print_config=None)


def add_fields(parser: ArgumentParser, cls: type[Any], part: str, only: Sequence[str] = ()) -> None:
    """Adds a flag for each field of a dataclass, with the field's docstring as help.

    Args:
        parser: gets a group named by the class's first line.
        cls: the dataclass.
        part: what stands before the dot.
        only: names of fields; empty for all.
    """
    from docstring_parser import parse_from_object

    docs = {p.arg_name: p.description for c in reversed(cls.__mro__[:-1]) for p in parse_from_object(c).params}
    hints = get_type_hints(cls)
    group = parser.add_argument_group(f"{part}: {(cls.__doc__ or part).splitlines()[0].rstrip('.')}")
    for field in dataclasses.fields(cls):
        if not only or field.name in only:
            text = " ".join((docs.get(field.name) or "").split())
            hint = hints[field.name]
            group.add_argument(
                f"--{part}.{field.name}", type=as_flag(hint), default=field.default, help=text, metavar=_metavar(hint)
            )


def as_flag(hint: Any) -> Any:
    """Returns the type with which a flag is read.

    A text or None is read as a text, because "#1 film" and "null" would be read as None. Data, of any type in Python,
    is a text here: a file may be named 2024. A list of texts may be written
    with commas, which the field's own class divides.
    """
    if hint == list[str] | None:
        return list[str] | str | None
    return str if hint in (str | None, Any) else hint


def _metavar(hint: Any) -> str | None:
    """Returns what stands for a value in the help: its choices, or a letter for a number; None for the field's name."""
    kinds = (
        [kind for kind in (get_args(hint) or (hint,)) if kind is not NoneType]
        if get_origin(hint) is not Literal
        else [hint]
    )
    choices = [str(choice) for kind in kinds if get_origin(kind) is Literal for choice in get_args(kind)]
    if choices:
        return "{" + ",".join(choices) + "}"
    return {bool: "{true,false}", int: "N", float: "X"}.get(kinds[0])


def parse(parser: ArgumentParser, argv: Sequence[str]) -> dict[str, Any]:
    """Returns the values of a command line, nested by part; or prints the help that it asks for, and exits.

    Raises:
        InputError: a flag is unknown or a value has another type.
    """
    from jsonargparse import ArgumentError

    words = written_out(argv, _known(parser))
    if completion.ASKED in os.environ:
        completion.offer_flags(parser)
    which = help.asked_for(words)
    if which is not None:
        sys.stdout.write(help.page(parser, words, which))
        raise SystemExit(0)
    _check_flags(parser, words)
    try:
        values: dict[str, Any] = parser.parse_args(words).as_dict()
    except ArgumentError as error:
        raise _in_words(parser, words, str(error)) from error
    return values


def _train_parser(base: Recipe, names: dict[str, str]) -> ArgumentParser:
    known = {kind: ", ".join(registry.names(kind)) for kind in CHOSEN}
    parser = new_parser(
        "nlptl train",
        f"Trains a model: task {names['task']}, method {names['method']}. Tasks and methods have flags of their own, "
        "which are listed when they are named: nlptl train sentiment --method lora --help.",
    )
    parser.usage = TRAIN_USAGE
    parser.add_argument("--config", type=str, metavar="FILE", help="A run's recipe.yaml; flags beside it vary it.")
    parser.add_argument(
        "--output", type=str, metavar="RUN", help="The run's folder; default: the first free runs/TASK-METHOD-N."
    )
    add_loudness(parser)
    parser.add_argument("--print_config", action="store_true", help="Print the recipe as YAML and stop.")
    plain = base.to_dict()
    for kind, name in names.items():
        add_fields(parser, registry.load(kind, name), kind)
        text = f"{known[kind]}, or a class of yours by its dotted path."
        parser.add_argument(f"--{kind}.name", type=str, default=name, metavar="NAME", help=text)
    for part in PLAIN:
        add_fields(parser, type(getattr(base, part)), part)
    same = [part for part in (*PLAIN, *CHOSEN) if part in PLAIN or plain[part]["name"] == names[part]]
    parser.set_defaults({f"{part}.{field}": value for part in same for field, value in plain[part].items()})
    return parser


def _check_flags(parser: ArgumentParser, argv: Sequence[str]) -> None:
    known = _known(parser)
    for word in argv:
        flag = word.partition("=")[0]
        if re.match(r"--?[A-Za-z]", flag) and flag not in known:
            raise InputError(
                f"{parser.prog} has no flag {flag}{meant(flag, known)}; {parser.prog} --help all lists all flags"
            )


def _known(parser: ArgumentParser) -> list[str]:
    return [option for action in parser._actions if action.help != SUPPRESSED for option in action.option_strings]


def _in_words(parser: ArgumentParser, argv: Sequence[str], message: str) -> InputError:
    lacks = re.fullmatch(r"the following arguments are required: (\w+).*", message)
    if lacks:
        action = next(a for a in parser._actions if a.dest == lacks.group(1))
        meaning = str(action.help).removesuffix(".")
        return InputError(f"{parser.prog} needs {action.dest.upper()}: {meaning}; {parser.prog} --help says more")
    left_over = re.fullmatch(r"unrecognized arguments: (.*)", message)
    if left_over:
        word = left_over.group(1)
        free = [flag for flag in TAKES_DATA if flag in _known(parser) and value_of(flag, argv) is None]
        hint = f"; if it is data, write {free[0]} {word}" if free else ""
        return InputError(f"{parser.prog} does not expect {word!r} here{hint}")
    found = re.search(r'Parser key "([^"]+)"', message)
    value = value_of(f"--{found.group(1)}", argv) if found else None
    if found is None or value is None:
        return InputError(" ".join(message.split()))
    hint = next(vars(a)["_typehint"] for a in parser._actions if a.dest == found.group(1))
    return wrong_value(found.group(1), hint, value)


def _name(kind: str, recipe: Recipe) -> str:
    return registry.name_of(kind, type(getattr(recipe, kind)))


def _with_method(base: Recipe, name: str) -> Recipe:
    """Returns the recipe without what was set for it by the defaults of a method that is now replaced."""
    if name == _name("method", base):
        return base
    lr = None if base.train.lr == base.method.default_lr else base.train.lr
    pooling = None if base.model.pooling == base.method.default_pooling else base.model.pooling
    return dataclasses.replace(
        base, train=dataclasses.replace(base.train, lr=lr), model=dataclasses.replace(base.model, pooling=pooling)
    )


def _configured(argv: Sequence[str]) -> Recipe | None:
    import yaml

    path = value_of("--config", argv)
    if path is None:
        return None
    if not Path(path).is_file():
        raise InputError(f"--config {path!r}: there is no such file")
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"--config {path!r} is not valid YAML: {error}") from error
    try:
        return Recipe.from_dict(values)
    except InputError as error:
        raise InputError(f"--config {path!r}: {error}") from error
