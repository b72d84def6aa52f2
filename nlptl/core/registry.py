"""What can be chosen by name: the file name is the key, a dotted name loads a user's own class."""

import importlib
import pkgutil
from dataclasses import is_dataclass
from functools import cache
from typing import Any

from nlptl.core.errors import InputError, nearest

ROOMS = {
    "task": "nlptl.tasks",
    "method": "nlptl.methods",
    "family": "nlptl.models.families",
    "metric": "nlptl.evaluation.metrics",
    "baseline": "nlptl.evaluation.baselines",
}
# What a user's own class must have, as nlptl/core/protocols.py describes it.
OFFERS = {
    "task": (
        "columns",
        "sample",
        "max_length",
        "output",
        "metric",
        "label_space",
        "encode",
        "findings",
        "losses",
        "weights",
        "decode",
    ),
    "method": ("default_lr", "default_pooling", "self_contained", "prepare", "save", "load"),
    "family": ("model_types", "states"),
    "metric": ("kinds", "greater_is_better", "needs_scores", "measure"),
    "baseline": ("kinds", "predict"),
}


@cache
def names(kind: str) -> tuple[str, ...]:
    """Returns the names of one kind, sorted; only files count, and none that starts with an underscore.

    Args:
        kind: a key of `ROOMS`.
    """
    room = importlib.import_module(ROOMS[kind])
    return tuple(sorted(m.name for m in pkgutil.iter_modules(room.__path__) if not (m.ispkg or m.name.startswith("_"))))


def load(kind: str, name: str) -> type[Any]:
    """Returns the class for a name, such as `LoRA` for ("method", "lora").

    Args:
        kind: a key of `ROOMS`.
        name: one of `names(kind)`, or "package.module.Class" for a class of the user's own.

    Raises:
        InputError: nothing has that name.
    """
    if "." in name:
        return _load_dotted(kind, name)
    if name not in names(kind):
        hint = nearest(name, names(kind))
        raise InputError(f"unknown {kind} {name!r}{hint}; known: {', '.join(names(kind))}")
    module = importlib.import_module(f"{ROOMS[kind]}.{name}")
    wanted = name.replace("_", "")
    return next(v for k, v in vars(module).items() if k.lower() == wanted and isinstance(v, type))


def offers_all(kind: str, value: object) -> bool:
    """Returns whether a value, or a class, has everything that one of its kind must have."""
    return all(hasattr(value, part) for part in OFFERS[kind])


def name_of(kind: str, cls: type[Any]) -> str:
    """Returns the name under which `load(kind, name)` gives `cls` back.

    Raises:
        InputError: there is none, because the class is in the script that is run.
    """
    if cls.__module__ == "__main__":
        raise InputError(
            f"{cls.__name__} is defined in the script that is run: put it into a module, so that runs load again"
        )
    room, _, key = cls.__module__.rpartition(".")
    return key if room == ROOMS[kind] else f"{cls.__module__}.{cls.__qualname__}"


def imported(kind: str, name: str) -> Any:
    """Returns what a dotted name stands for.

    Args:
        kind: what it should be, for the message.
        name: such as my_package.MyMetric.

    Raises:
        InputError: it cannot be imported.
    """
    module_name, _, own_name = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module_name), own_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"{kind} {name!r} cannot be imported: {error}") from error


def _load_dotted(kind: str, name: str) -> type[Any]:
    found = imported(kind, name)
    if not (isinstance(found, type) and is_dataclass(found) and offers_all(kind, found)):
        raise InputError(f"{kind} {name!r} is no {kind}: expected a dataclass that offers {', '.join(OFFERS[kind])}")
    return found
