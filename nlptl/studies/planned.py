"""A study's plan as it stands in study.json: the values that make it again, and what in it is not a default."""

import re
from collections.abc import Mapping
from typing import cast

from nlptl.core.errors import NlptlError
from nlptl.core.recipe import Recipe
from nlptl.runs.inputs import IN_MEMORY
from nlptl.studies.plan import DIMENSIONS, Plan

PARTS = ("task", "data", "model", "train", "eval")
Stored = Mapping[str, object]


def values(stored: Stored) -> dict[str, object]:
    """Returns what a plan file would have for a stored plan: methods by name, or by name and the fields given.

    Args:
        stored: `Plan.to_dict`.
    """
    methods = stored.get("methods")
    own = [_method(str(name), fields) for name, fields in methods.items()] if isinstance(methods, Mapping) else methods
    return {**stored, "methods": own}


def _method(name: str, fields: object) -> object:
    """Returns a method as a plan file names it.

    Args:
        name: in the study: "lora", or "lora rank=16".
        fields: of the stored method.
    """
    given = re.findall(r" (\w+)=", name)
    if not given or not isinstance(fields, Mapping):
        return name
    return {"name": name.partition(" ")[0], **{field: fields[field] for field in given if field in fields}}


def can_be_made_again(stored: Stored) -> bool:
    """Returns whether study.json is enough to go on with the study: no data from memory, no methods made in Python."""
    try:
        return not in_memory(stored) and Plan.from_dict(values(stored)).to_dict() == dict(stored)
    except (NlptlError, TypeError, ValueError, AttributeError):
        return False


def in_memory(stored: Stored) -> bool:
    """Returns whether data was given as an object."""
    data = stored.get("data")
    return isinstance(data, Mapping) and any(str(value).startswith(IN_MEMORY) for value in data.values())


def changed(stored: Stored) -> dict[str, object]:
    """Returns the settings of all runs that are not the defaults, by name: "train.epochs".

    Args:
        stored: `Plan.to_dict`.
    """
    parts = {
        name: cast("Mapping[str, object]", stored[name]) for name in PARTS if isinstance(stored.get(name), Mapping)
    }
    task = parts.get("task", {}).get("name")
    try:
        usual = Recipe(task={"name": task}).to_dict()
    except NlptlError:  # a task of the user's own that is not imported: all are shown
        usual = {}
    return {
        f"{part}.{name}": value
        for part, own in parts.items()
        for name, value in own.items()
        if (part, name) == ("task", "name") or name not in usual.get(part, {}) or usual[part][name] != value
    }


def methods(stored: Stored) -> list[str]:
    """Returns the names of the methods."""
    return [str(name) for name in _listed(stored, "methods")]


def listed(stored: Stored, dimension: str) -> str:
    """Returns the values of one of `DIMENSIONS` in words."""
    return ", ".join("all" if value is None else str(value) for value in _listed(stored, dimension)) or "unknown"


def _listed(stored: Stored, dimension: str) -> list[object]:
    found = stored.get(dimension) if dimension in DIMENSIONS else None
    return list(found) if isinstance(found, list | Mapping) else []


def counted(stored: Stored) -> str:
    """Returns what a number of labels counts: rows of each class, or rows in all."""
    from nlptl.core import kinds

    try:
        output = Recipe(task=cast("Mapping[str, object]", stored.get("task"))).task.output
        return "training rows" if kinds.of(output).names is None else "training rows of each class"
    except (NlptlError, TypeError):
        return "labels"
