"""Builds the recipe that a command line asks for, from flags, a recipe's file or a script's recipe."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nlptl.cli.flags import COMMON, Command, Flag, heading, of_fields
from nlptl.cli.parsing import parse
from nlptl.cli.words import value_of, with_flags
from nlptl.core import registry
from nlptl.core.checks import from_yaml
from nlptl.core.errors import InputError
from nlptl.core.recipe import CHOSEN, PLAIN, RESOLVED, Recipe

USAGE = """nlptl train TASK [DATA] [flags]
       nlptl train --config runs/a/recipe.yaml [flags]
       nlptl train --resume runs/a"""


def parse_recipe(argv: Sequence[str], script: Recipe | None) -> tuple[Recipe, dict[str, Any]]:
    """Returns the recipe that a command line asks for, and the values of its flags.

    Args:
        argv: the words after `nlptl train`, or after a script's name.
        script: the script's recipe; None for `nlptl train`, whose first word may be the task.

    Raises:
        InputError: a flag, a name or a value cannot be used.
    """
    words = with_flags(argv, has_task=script is None)
    base = _configured(words) or script or Recipe()
    names = {kind: value_of(f"--{kind}.name", words) or _name(kind, base) for kind in CHOSEN}
    values = parse(_train(base, names), words)
    return recipe_of(values), values


def recipe_of(values: Mapping[str, object]) -> Recipe:
    """Returns the recipe in the values of a command line."""
    return Recipe.from_dict({part: values[part] for part in (*CHOSEN, *PLAIN) if part in values})


def settings(base: Recipe, names: dict[str, str]) -> list[Flag]:
    """Returns the flags of a recipe's settings.

    Args:
        base: gives their defaults.
        names: of the task, and of the method if it has flags.
    """
    plain = base.to_dict()
    chosen = [flag for kind, name in names.items() for flag in _chosen(kind, name, plain[kind])]
    return chosen + [flag for part in PLAIN for flag in of_fields(type(getattr(base, part)), part, values=plain[part])]


def _train(base: Recipe, names: dict[str, str]) -> Command:
    flags = [
        Flag("--config", "A run's recipe.yaml; other flags change its settings.", metavar="FILE"),
        Flag("--output", "The run's folder; default: the first free runs/TASK-METHOD-N.", metavar="RUN"),
        *COMMON,
        Flag("--print_config", "Print the recipe as YAML and stop.", None, default=False),
        *settings(base, names),
    ]
    about = (
        f"Trains a model: task {names['task']}, method {names['method']}. Name a task or a method to list its own "
        "flags: nlptl train sentiment --method lora --help."
    )
    return Command("nlptl train", about, USAGE, flags)


def _chosen(kind: str, name: str, base: dict[str, Any]) -> list[Flag]:
    """Returns the flag that names a task or method, and the flags of its fields."""
    known, cls = registry.names(kind), registry.load(kind, name)
    choice = Flag(
        f"--{kind}.name",
        f"{', '.join(known)}, or the dotted path of your own class.",
        default=name,
        metavar="NAME",
        group=heading(cls, kind),
        suggested=known,
    )
    return [choice, *of_fields(cls, kind, values=base if base["name"] == name else None)]


def _name(kind: str, recipe: Recipe) -> str:
    return registry.name_of(kind, type(getattr(recipe, kind)))


def read_yaml(flag: str, path: str) -> Mapping[str, object]:
    """Returns the content of a YAML file that a flag names.

    Raises:
        InputError: there is none, or it is not valid.
    """
    import yaml

    if not Path(path).is_file():
        raise InputError(f"{flag} {path!r}: there is no such file")
    try:
        return from_yaml(Path(path).read_text(encoding="utf-8"))  # type: ignore[no-any-return]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{flag} {path!r} is not valid YAML: {error}") from error


def _configured(argv: Sequence[str]) -> Recipe | None:
    path = value_of("--config", argv)
    if path is None:
        return None
    values = read_yaml("--config", path)
    try:
        recipe = Recipe.from_dict(values)
    except InputError as error:
        raise InputError(f"--config {path!r}: {error}") from error
    return _open_again(recipe, values.get(RESOLVED)) if any(map(_varies, argv)) else recipe


def _varies(word: str) -> bool:
    """Returns whether a flag changes what other settings follow from."""
    return word.startswith(tuple(f"--{part}." for part in (*CHOSEN, *PLAIN))) and not word.startswith("--train.seed")


def _open_again(recipe: Recipe, resolved: object) -> Recipe:
    """Returns a recipe in which the settings that its run resolved are open: they may have other values now."""
    for name in resolved if isinstance(resolved, dict) else ():
        part, _, own = str(name).partition(".")
        if part in PLAIN and own in (field.name for field in dataclasses.fields(PLAIN[part])):
            recipe = dataclasses.replace(recipe, **{part: dataclasses.replace(getattr(recipe, part), **{own: None})})
    return recipe
