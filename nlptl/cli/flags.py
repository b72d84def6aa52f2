"""The flags of the command line, made from the dataclasses of a recipe; a wrong one is named with the nearest."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from nlptl.cli.output import add_loudness
from nlptl.core import registry
from nlptl.core.checks import wrong_value
from nlptl.core.errors import InputError
from nlptl.core.recipe import CHOSEN, PLAIN, Recipe

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser


def parse_recipe(argv: Sequence[str], script: Recipe | None) -> tuple[Recipe, dict[str, Any]]:
    """Returns the recipe that a command line asks for, and its other flags.

    Args:
        argv: the words after `nlptl train`, or after a script's name.
        script: the script's recipe; None for `nlptl train`, whose first word may be the task.

    Raises:
        InputError: a flag, a name or a value cannot be used.
    """
    words = _with_names(argv, positional_task=script is None)
    base = _configured(words) or script or Recipe()
    names = {kind: _value_of(f"--{kind}.name", words) or _name(kind, base) for kind in CHOSEN}
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
    group = parser.add_argument_group(f"{part}: {(cls.__doc__ or part).splitlines()[0]}")
    for field in dataclasses.fields(cls):
        if not only or field.name in only:
            text = " ".join((docs.get(field.name) or "").split())
            group.add_argument(
                f"--{part}.{field.name}", type=as_flag(hints[field.name]), default=field.default, help=text
            )


def as_flag(hint: Any) -> Any:
    """Returns the type with which a flag is read: of a text or nothing a text, or "#1 film" and "null" were nothing."""
    return str if hint == str | None else hint


def parse(parser: ArgumentParser, argv: Sequence[str]) -> dict[str, Any]:
    """Returns the values of a command line, nested by part.

    Raises:
        InputError: a flag is unknown or a value has another type.
    """
    from jsonargparse import ArgumentError

    _check_flags(parser, argv)
    try:
        values: dict[str, Any] = parser.parse_args(list(argv)).as_dict()
    except ArgumentError as error:
        raise _in_words(parser, argv, str(error)) from error
    return values


def _train_parser(base: Recipe, names: dict[str, str]) -> ArgumentParser:
    known = {kind: ", ".join(registry.names(kind)) for kind in CHOSEN}
    parser = new_parser(
        "nlptl train",
        f"Trains a model: task {names['task']}, method {names['method']}. Tasks: {known['task']}. "
        f"Methods, each with flags of its own: {known['method']}.",
    )
    parser.add_argument("--config", type=str, help="a run's recipe.yaml; flags beside it vary it")
    parser.add_argument("--output", type=str, help="the run's folder; default: the first free runs/TASK-METHOD-N")
    add_loudness(parser)
    parser.add_argument("--print_config", action="store_true", help="print the recipe as YAML and stop")
    plain = base.to_dict()
    for kind, name in names.items():
        add_fields(parser, registry.load(kind, name), kind)
        text = f"{known[kind]}, or a class of yours by dotted path"
        parser.add_argument(f"--{kind}.name", type=str, default=name, help=text)
    for part in PLAIN:
        add_fields(parser, type(getattr(base, part)), part)
    same = [part for part in (*PLAIN, *CHOSEN) if part in PLAIN or plain[part]["name"] == names[part]]
    parser.set_defaults({f"{part}.{field}": value for part in same for field, value in plain[part].items()})
    return parser


def _check_flags(parser: ArgumentParser, argv: Sequence[str]) -> None:
    known = [option for action in parser._actions for option in action.option_strings]
    for word in argv:
        flag = word.partition("=")[0]
        if flag.startswith("--") and flag not in known:
            close = difflib.get_close_matches(flag, known, n=1, cutoff=0.5)
            hint = _methods_with(flag) or (f" (did you mean {close[0]}?)" if close else "")
            raise InputError(f"{parser.prog} has no flag {flag}{hint}; {parser.prog} --help lists all")


def _methods_with(flag: str) -> str:
    part, _, field = flag.removeprefix("--").partition(".")
    if part != "method":
        return ""
    methods = [n for n in registry.names("method") if field in _field_names(registry.load("method", n))]
    return f" for this method: it belongs to {', '.join(methods)} (--method {methods[0]})" if methods else ""


def _field_names(cls: type[Any]) -> list[str]:
    return [field.name for field in dataclasses.fields(cls)]


def _in_words(parser: ArgumentParser, argv: Sequence[str], message: str) -> InputError:
    found = re.search(r'Parser key "([^"]+)"', message)
    value = _value_of(f"--{found.group(1)}", argv) if found else None
    if found is None or value is None:
        return InputError(" ".join(message.split()))
    hint = next(vars(a)["_typehint"] for a in parser._actions if a.dest == found.group(1))
    return wrong_value(found.group(1), hint, value)


def _with_names(argv: Sequence[str], *, positional_task: bool) -> list[str]:
    """Returns the words with `sentiment` and `--method lora` as --task.name sentiment --method.name lora."""
    words = [re.sub(r"^--method(=|$)", r"--method.name\1", word) for word in argv]
    if positional_task and words and not words[0].startswith("-"):
        words = ["--task.name", *words]
    return words


def _value_of(flag: str, argv: Sequence[str]) -> str | None:
    found = None
    for i, word in enumerate(argv):
        if word == flag and i + 1 < len(argv):
            found = argv[i + 1]
        elif word.startswith(f"{flag}="):
            found = word.partition("=")[2]
    return found


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

    path = _value_of("--config", argv)
    if path is None:
        return None
    if not Path(path).is_file():
        raise InputError(f"--config {path!r}: there is no such file")
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"--config {path!r} is not valid YAML: {error}") from error
    try:
        return Recipe.from_dict(values)
    except InputError as error:
        raise InputError(f"--config {path!r}: {error}") from error
