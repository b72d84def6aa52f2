"""Ranges of settings to search, written as "train.lr=log(1e-5,1e-3) method.rank=[4,8,16]"."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from nlptl.core.checks import from_yaml
from nlptl.core.errors import InputError
from nlptl.core.recipe import CHOSEN, PLAIN, Recipe

FORMS = "log(low,high), uniform(low,high), int(low,high) or [choices]"
_SPACE = re.compile(r"\s*(\w+\.\w+)=(?:(log|uniform|int)\(([^,()]+),([^,()]+)\)|\[([^\[\]]+)\])(?=\s|$)")


@dataclass(frozen=True)
class Space:
    """The values that a field may have."""

    name: str
    """Of the field: train.lr."""
    form: str
    """log, uniform or int; choice if there are choices."""
    low: float = 0.0
    high: float = 0.0
    choices: tuple[object, ...] = ()

    @property
    def first(self) -> object:
        """One of the values, to check the field with."""
        return self.choices[0] if self.choices else int(self.low) if self.form == "int" else self.low


def parse(text: str) -> list[Space]:
    """Returns the spaces in a text.

    Raises:
        InputError: it is not of the form "FIELD=log(1e-5,1e-3) FIELD=[1,2]", or a range is empty.
    """
    spaces, rest = [], text.strip()
    while rest:
        found = _SPACE.match(rest)
        if not found:
            raise InputError(f"a search is written FIELD={FORMS}, several with blanks between them; found {rest!r:.80}")
        spaces.append(_space(*found.groups()))
        rest = rest[found.end() :].strip()
    names = [space.name for space in spaces]
    if not names or len(set(names)) < len(names):
        raise InputError(f"a search names each field once, found {', '.join(names) or 'none'}")
    return spaces


def _space(name: str, form: str | None, low: str, high: str, choices: str | None) -> Space:
    if form is None:
        values = tuple(from_yaml(part.strip()) for part in str(choices).split(","))
        return Space(name, "choice", choices=values)
    try:
        ends = float(low), float(high)
    except ValueError as error:
        raise InputError(f"the search of {name} needs two numbers, found {low!r} and {high!r}") from error
    if not ends[0] < ends[1] or (form == "log" and ends[0] <= 0):
        least = " above 0" if form == "log" else ""
        raise InputError(f"the search of {name} needs a low end{least} below its high end, found {low} and {high}")
    return Space(name, form, *ends)


def applied(recipe: Recipe, values: Mapping[str, object]) -> Recipe:
    """Returns a recipe with other values of some fields.

    Args:
        recipe: any.
        values: by field: {"train.lr": 1e-4}.

    Raises:
        InputError: there is no such field, or it cannot have the value.
    """
    parts = recipe.to_dict()
    for name, value in values.items():
        part, _, field = name.partition(".")
        if part not in (*CHOSEN, *PLAIN) or part == "data":
            raise InputError(f"a search changes fields of model, method, train and task, not {name}")
        parts[part][field] = value
    return Recipe.from_dict(parts)
