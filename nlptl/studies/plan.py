"""The plan of a study: methods, models, seeds and numbers of labels over one data set."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from nlptl.core import kinds, registry
from nlptl.core.checks import listed
from nlptl.core.errors import InputError, nearest
from nlptl.core.protocols import Method
from nlptl.core.recipe import Recipe
from nlptl.methods.auto import TRIED
from nlptl.runs import inputs

DIMENSIONS = ("methods", "models", "seeds", "label_counts")
MOST_CELLS = 10_000
NOT_IN_NAMES = re.compile(r"[^\w.=-]+")


class Cell(NamedTuple):
    """One run of a study."""

    name: str
    """Of its folder."""
    method: str
    model: str
    label_count: int | None
    seed: int
    recipe: Recipe


@dataclass(frozen=True, init=False)
class Plan:
    """Methods x models x numbers of labels x seeds, each a run of one recipe with these in it."""

    recipe: Recipe
    methods: Mapping[str, Method]
    """By name: "lora", "lora rank=16"."""
    models: tuple[str, ...]
    seeds: tuple[int, ...]
    label_counts: tuple[int | None, ...]

    def __init__(
        self,
        recipe: Recipe,
        methods: Sequence[object] | str,
        models: Sequence[str] | str = (),
        seeds: Sequence[int] = (0,),
        label_counts: Sequence[int | None] = (None,),
    ) -> None:
        """Makes a checked plan.

        Args:
            recipe: task, data and all other settings, the same for every run.
            methods: names, "tfidf" among them (TF-IDF with logistic regression), or a name and fields:
                {"name": "lora", "rank": 16}.
            models: Hub ids or folders; default: the recipe's.
            seeds: of training, and of the training rows that are drawn; the splits are those of the first one.
            label_counts: training rows of each class (rows in all if answers have no classes); None: all rows.

        Raises:
            InputError: a name is unknown, or a value is given twice or out of range.
        """
        values = {
            "recipe": recipe,
            "methods": _methods(_many("methods", methods)),
            "models": tuple(map(str, _many("models", models or (recipe.model.name,)))),
            "seeds": tuple(_many("seeds", seeds)),
            "label_counts": tuple(_many("label_counts", label_counts)),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        self._check()

    @staticmethod
    def from_dict(values: Mapping[str, object]) -> Plan:
        """Returns the plan in a YAML file: the parts of a recipe, and methods, models, seeds, label_counts.

        Raises:
            InputError: a part is unknown or missing, or a value cannot be used.
        """
        if not isinstance(values, Mapping) or "methods" not in values:
            raise InputError("a plan needs methods, such as methods: [tfidf, probe, lora]")
        parts = {name: value for name, value in values.items() if name not in DIMENSIONS}
        wrong = [name for name in parts if name not in ("task", "data", "model", "train", "eval")]
        if wrong:
            known = (*DIMENSIONS, "task", "data", "model", "train", "eval")
            raise InputError(f"a plan has no part {wrong[0]!r}{nearest(wrong[0], known)}; parts: {', '.join(known)}")
        return Plan(Recipe.from_dict(parts), **{name: values[name] for name in DIMENSIONS if name in values})  # type: ignore[arg-type]

    def cells(self) -> Iterator[Cell]:
        """Yields the runs, those of one number of labels after the other."""
        for label_count, model, method, seed in product(self.label_counts, self.models, self.methods, self.seeds):
            name = "-".join(self._words(method, model, label_count, seed))
            recipe = self._recipe(self.methods[method], model, label_count, seed)
            yield Cell(name, method, model, label_count, seed, recipe)

    def to_dict(self) -> dict[str, object]:
        """Returns the plan as plain values, with absolute paths, as it is in study.json."""
        plain: dict[str, object] = {**inputs.storable(self.recipe.to_dict())}
        plain["methods"] = {name: Recipe(method=method).to_dict()["method"] for name, method in self.methods.items()}
        plain |= {name: getattr(self, name) for name in DIMENSIONS[1:]}
        plain.pop("method")
        return dict(json.loads(json.dumps(plain)))

    def _check(self) -> None:
        for name, least in (("seeds", 0), ("label_counts", 1)):
            for value in getattr(self, name):
                is_all = value is None and name == "label_counts"
                if not is_all and (type(value) is not int or value < least):
                    raise InputError(f"{name} must be whole numbers of at least {least}, found {value!r}")
        for name in DIMENSIONS[1:]:
            values = getattr(self, name)
            if not values or len(set(values)) < len(values):
                shown = ", ".join(map(str, values)) or "none"
                raise InputError(f"{name} must be one or more values, each once, found {shown}")
        n = len(self.methods) * len(self.models) * len(self.seeds) * len(self.label_counts)
        if n > MOST_CELLS:
            raise InputError(f"the plan has {n:,} runs, expected at most {MOST_CELLS:,}")
        cells = [cell.name for cell in self.cells()]  # builds every recipe
        if len(set(cells)) < len(cells):
            raise InputError("two methods or models would have the same folders: rename one")

    def _words(self, method: str, model: str, label_count: int | None, seed: int) -> Iterator[str]:
        yield NOT_IN_NAMES.sub("_", method)
        if len(self.models) > 1:
            yield NOT_IN_NAMES.sub("_", model.rstrip("/").rpartition("/")[2])
        if self.label_counts != (None,):
            yield "all" if label_count is None else str(label_count)
        yield f"seed{seed}"

    def _recipe(self, method: Method, model: str, label_count: int | None, seed: int) -> Recipe:
        recipe = self.recipe
        data = dataclasses.replace(recipe.data, split_seed=split_seed(self))
        if label_count is not None:
            has_classes = kinds.of(recipe.task.output).names is not None
            drawn = (None, label_count) if has_classes else (label_count, None)
            data = dataclasses.replace(data, n_train=drawn[0], per_class=drawn[1])
        return dataclasses.replace(
            recipe,
            data=data,
            model=dataclasses.replace(recipe.model, name=model),
            method=method,
            train=dataclasses.replace(recipe.train, seed=seed),
        )


def split_seed(plan: Plan) -> int:
    """Returns the seed by which all runs divide the data."""
    given = plan.recipe.data.split_seed
    return plan.seeds[0] if given is None else given


def _methods(given: Sequence[object]) -> dict[str, Method]:
    """Returns methods by their names in a study.

    Raises:
        InputError: there is none, a name is unknown, or one is given twice.
    """
    methods: dict[str, Method] = {}
    for one in given:
        name = _name(one)
        if name in methods:
            raise InputError(f"the method {name!r} is given twice")
        methods[name] = _method(one)
    if not methods:
        raise InputError("methods must be one or more methods, such as tfidf, probe, lora; found none")
    return methods


def _name(method: object) -> str:
    if isinstance(method, Mapping):
        fields = [f" {name}={value}" for name, value in method.items() if name != "name"]
        return f"{method.get('name')}{''.join(fields)}"
    return method if isinstance(method, str) else str(Recipe(method=method).to_dict()["method"]["name"])  # type: ignore[arg-type]


def _method(given: object) -> Method:
    if isinstance(given, str) and given in TRIED:
        return TRIED[given]
    if isinstance(given, str):
        known = dict.fromkeys([*TRIED, *registry.names("method")])
        if given not in known and "." not in given:
            raise InputError(f"unknown method {given!r}{nearest(given, known)}; known: {', '.join(known)}")
    return Recipe(method=given).method  # type: ignore[arg-type]


def _many(name: str, values: object) -> Sequence[object]:
    found = listed(values)
    if not isinstance(found, list | tuple):
        raise InputError(f"{name} must be a list, found {values!r:.60}")
    return found
