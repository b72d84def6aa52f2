"""What can be chosen by name: the files of nlptl, and the entry points of installed packages.

A recipe file never decides which code is imported: a plain name is looked up here; a dotted name (my_package.MyMethod)
only in modules that the user has already imported, in Python or by `--import my_package`.
"""

import importlib
import pkgutil
import sys
from collections.abc import Iterable
from dataclasses import is_dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from nlptl.core.errors import InputError, nearest

ROOMS = {
    "task": "nlptl.tasks",
    "method": "nlptl.methods",
    "family": "nlptl.models.families",
    "format": "nlptl.data.formats",
    "metric": "nlptl.evaluation.metrics",
    "baseline": "nlptl.evaluation.baselines",
}
"""nlptl's own package for each kind; each file in it is one choice."""
GROUPS = {
    "task": "nlptl.tasks",
    "method": "nlptl.methods",
    "family": "nlptl.families",
    "format": "nlptl.formats",
    "metric": "nlptl.metrics",
    "baseline": "nlptl.baselines",
}
"""Entry-point group for each kind."""
SETTINGS = ("task", "method")
"""Kinds whose classes are dataclasses; their fields become flags."""
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
    "format": ("suffixes", "rows"),
    "metric": ("kinds", "greater_is_better", "needs_scores", "measure"),
    "baseline": ("kinds", "predict"),
}
"""Attributes that a class of each kind must have; nlptl/core/protocols.py and the rooms' protocols describe them."""


_trusted: set[str] = set()
"""Packages that the user asked to import."""


@cache
def names(kind: str) -> tuple[str, ...]:
    """Returns all names of one kind, sorted: nlptl's own and those of installed packages, which are not imported.

    Args:
        kind: a key of `ROOMS`.
    """
    return tuple(sorted({*own_names(kind), *(point.name for point in _points(kind))}))


@cache
def own_names(kind: str) -> tuple[str, ...]:
    """Returns nlptl's own names of one kind, sorted: its files that do not start with an underscore."""
    room = importlib.import_module(ROOMS[kind])
    return tuple(sorted(m.name for m in pkgutil.iter_modules(room.__path__) if not (m.ispkg or m.name.startswith("_"))))


def load(kind: str, name: str) -> type[Any]:
    """Returns the class for a name, such as `LoRA` for ("method", "lora").

    Args:
        kind: a key of `ROOMS`.
        name: one of `names(kind)`, or "package.module.Class" for a class whose module the user has imported.

    Raises:
        InputError: nothing has that name, two packages have it, or it is not of this kind.
    """
    cls = find(kind, name)
    is_class = isinstance(cls, type) and (kind not in SETTINGS or is_dataclass(cls))
    if not (is_class and offers_all(kind, cls)):
        what = "a dataclass" if kind in SETTINGS else "a class"
        raise InputError(f"{kind} {name!r} is not a {kind}: expected {what} with {', '.join(OFFERS[kind])}")
    return cls  # type: ignore[no-any-return]


def find(kind: str, name: str) -> Any:
    """Returns the object with a name, like `load` but without checking what it is."""
    points = [point for point in _points(kind) if point.name == name]
    is_own = name in own_names(kind)
    if len(points) + is_own > 1:
        homes = [ROOMS[kind]] * is_own + [point.value for point in points]
        raise InputError(f"two packages offer the {kind} {name!r}: {' and '.join(homes)}; uninstall or rename one")
    if is_own:
        module = importlib.import_module(f"{ROOMS[kind]}.{name}")
        wanted = name.replace("_", "")
        return next(v for k, v in vars(module).items() if k.lower() == wanted and isinstance(v, type))
    if points:
        return _loaded(kind, points[0])
    if "." in name:
        return imported(kind, name)
    hint = nearest(name, names(kind))
    other = "" if hint else f"; for a {kind} of another package, install that package (entry points {GROUPS[kind]})"
    raise InputError(f"unknown {kind} {name!r}{hint}; known: {', '.join(names(kind))}{other}")


def offers_all(kind: str, value: object) -> bool:
    """Returns whether an object or class has all attributes that its kind must have."""
    return all(hasattr(value, part) for part in OFFERS[kind])


def name_of(kind: str, cls: type[Any]) -> str:
    """Returns the name for which `load(kind, name)` returns `cls`.

    Raises:
        InputError: the class has none, because it is defined in the script that is run.
    """
    if cls.__module__ == "__main__":
        raise InputError(
            f"{cls.__name__} is defined in the script that is run: move it into a module, so that runs can be loaded"
        )
    room, _, key = cls.__module__.rpartition(".")
    if room == ROOMS[kind]:
        return key
    package = cls.__module__.partition(".")[0]
    points = [point for point in _points(kind) if point.module.partition(".")[0] == package]
    entry = next((point.name for point in points if _loaded(kind, point) is cls), None)
    return entry or f"{cls.__module__}.{cls.__qualname__}"


def imported(kind: str, name: str) -> Any:
    """Returns the object with a dotted name, whose module must be imported already or be in a package of `--import`.

    Args:
        kind: what the object should be, for the message.
        name: the dotted name, such as my_package.MyMetric.

    Raises:
        InputError: the module is not imported, or has no such attribute.
    """
    module_name, _, own_name = name.rpartition(".")
    if module_name.partition(".")[0] in _trusted:
        import_module(module_name)
    if module_name not in sys.modules:
        install = f", or give it an entry point in the group {GROUPS[kind]}" if kind in GROUPS else ""
        raise InputError(
            f"{kind} {name!r} is not imported, and nlptl never imports code only because a file names it. "
            f"If you trust it: --import {module_name}, in Python import {module_name}{install}"
        )
    try:
        return getattr(sys.modules[module_name], own_name)
    except AttributeError as error:
        raise InputError(f"{kind} {name!r}: {error}") from error


def import_module(name: str) -> None:
    """Imports a module that the user named; afterwards dotted names may refer to any module of its package.

    Raises:
        InputError: there is no such module, or importing it fails.
    """
    try:
        importlib.import_module(name)
    except Exception as error:  # a user's module may fail in any way
        raise InputError(f"{name!r} cannot be imported: {type(error).__name__}: {error}") from error
    _trusted.add(name.partition(".")[0])


def importable(names: Iterable[str]) -> list[str]:
    """Returns the modules of dotted names that this process has imported, or may import, for another process."""
    modules = {name.rpartition(".")[0] for name in names if "." in name}
    return sorted(m for m in modules if m in sys.modules or m.partition(".")[0] in _trusted)


def refresh() -> None:
    """Forgets cached names, so that packages installed since (in a notebook) are found."""
    importlib.invalidate_caches()
    for cached in (names, own_names, _points):
        cached.cache_clear()


@cache
def _points(kind: str) -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=GROUPS[kind]))


def _loaded(kind: str, point: EntryPoint) -> Any:
    try:
        return point.load()
    except Exception as error:  # another package's module may fail in any way
        package = point.dist.name if point.dist else "a package"
        raise InputError(
            f"{kind} {point.name!r} of {package} ({point.value}) cannot be imported: {type(error).__name__}: {error}; "
            "repair or uninstall that package"
        ) from error
