"""A recipe: everything that defines a run, as one value."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from nlptl.core import registry
from nlptl.core.callbacks import Callback
from nlptl.core.config import DataConfig, EvalConfig, ModelConfig, TrainConfig
from nlptl.core.errors import InputError, nearest
from nlptl.core.protocols import Method, Task

if TYPE_CHECKING:
    from nlptl.runs.run import Run

PLAIN = {"data": DataConfig, "model": ModelConfig, "train": TrainConfig, "eval": EvalConfig}
CHOSEN = ("task", "method")
FORMAT = 1
"""Of recipe.yaml; a recipe without a number is read as 1."""


@dataclass(frozen=True, init=False)
class Recipe:
    """Task, model, method and data of a run; script, import, command line and launcher build the same value."""

    task: Task
    data: DataConfig
    model: ModelConfig
    method: Method
    train: TrainConfig
    eval: EvalConfig

    def __init__(
        self,
        task: Task | str | Mapping[str, object] = "sentiment",
        data: object = None,
        model: ModelConfig | str | Path | Mapping[str, object] | None = None,
        method: Method | str | Mapping[str, object] = "full",
        train: TrainConfig | Mapping[str, object] | None = None,
        eval: EvalConfig | Mapping[str, object] | None = None,
    ) -> None:
        """Makes a recipe from its parts; a part that is None has its defaults, and may be a mapping of its fields.

        Args:
            task: a task, its name, or its name and fields: {"name": "sentiment", "scale": "stars"}.
            data: a `DataConfig`, or the training data itself, as `DataConfig.train` takes it: "reviews.csv".
            model: a `ModelConfig`, or the model's name: "bert-base-uncased", or a folder.
            method: a method, its name, or its name and fields: {"name": "lora", "rank": 16}.
            train: a `TrainConfig`.
            eval: an `EvalConfig`.

        Raises:
            InputError: a part is something else, or a name or a field is unknown.
        """
        parts = {
            "task": _chosen("task", task),
            "data": _plain("data", _data_fields(data)),
            "model": _plain("model", {"name": str(model)} if isinstance(model, str | Path) else model),
            "method": _chosen("method", method),
            "train": _plain("train", train),
            "eval": _plain("eval", eval),
        }
        for name, part in parts.items():
            object.__setattr__(self, name, part)

    def run(self, output: str | Path | None = None, callbacks: Sequence[Callback] = ()) -> Run:
        """Trains, evaluates, saves and checks; returns the finished run.

        Args:
            output: the run's folder; default: the first free runs/TASK-METHOD-N.
            callbacks: are told how training goes on, after those of `TrainConfig.callbacks`. They are no part of the
                recipe: a resumed run has those that it is given then.

        Raises:
            InputError: something given cannot be used; nothing was trained.
            TrainingError: training had to stop.
        """
        from nlptl.runs import training

        return training.train(self, output, callbacks)

    def to_dict(self) -> dict[str, dict[str, object]]:
        """Returns the recipe as plain values, the form of recipe.yaml."""
        fields = {part: dataclasses.asdict(getattr(self, part)) for part in (*CHOSEN, *PLAIN)}
        named = {kind: {"name": registry.name_of(kind, type(getattr(self, kind)))} for kind in CHOSEN}
        return {part: named.get(part, {}) | own for part, own in fields.items()}

    @staticmethod
    def from_dict(values: Mapping[str, object]) -> Recipe:
        """Returns the recipe that `to_dict` wrote, or a person, who may write names: {"method": "lora"}.

        Raises:
            InputError: a name or a field is unknown, or a value out of range.
        """
        if not isinstance(values, Mapping):
            raise InputError(f"expected a recipe, with the parts {', '.join((*CHOSEN, *PLAIN))}; found {values!r:.60}")
        values = _of_this_format(values)
        for name in values:
            if name not in (*CHOSEN, *PLAIN):
                raise InputError(f"a recipe has no part {name!r}{_part_with(str(name))}")
        data = values.get("data")  # here a mapping has the fields of DataConfig, never rows by split
        return Recipe(**{**values, "data": _plain("data", data) if isinstance(data, Mapping) else data})


def _of_this_format(values: Mapping[str, object]) -> dict[str, Any]:
    """Returns a recipe's values without their format number.

    Raises:
        InputError: a newer nlptl wrote them.
    """
    parts = dict(values)
    version = parts.pop("format", FORMAT)
    if type(version) is not int or not 1 <= version <= FORMAT:
        raise InputError(f"the recipe has format {version!r}, this nlptl reads up to {FORMAT}: a newer one is needed")
    return parts


def resume(folder: str | Path, callbacks: Sequence[Callback] = ()) -> Run:
    """Goes on with a run that was stopped; see `nlptl.runs.training.resume`."""
    from nlptl.runs import training

    return training.resume(folder, callbacks)


@overload
def chosen_from_dict(kind: Literal["task"], values: Mapping[str, object]) -> Task: ...
@overload
def chosen_from_dict(kind: Literal["method"], values: Mapping[str, object]) -> Method: ...
def chosen_from_dict(kind: str, values: Mapping[str, object]) -> object:
    """Returns a task or method from its name and fields, {"name": "lora", "rank": 16}."""
    fields = dict(values)
    if not isinstance(fields.get("name"), str):
        raise InputError(f"{kind} has no name; known: {', '.join(registry.names(kind))}")
    return _build(registry.load(kind, str(fields.pop("name"))), kind, fields)


def _chosen(kind: Literal["task", "method"], given: object) -> object:
    """Returns a task or method from what may stand for one: itself, its name, or its name and fields."""
    if isinstance(given, str):
        return registry.load(kind, given)()
    if isinstance(given, Mapping):
        return chosen_from_dict(kind, given)
    if isinstance(given, type):
        raise InputError(f"{kind} must be an object, found the class {given.__name__}: write {given.__name__}()")
    if not dataclasses.is_dataclass(given) or not registry.offers_all(kind, given):
        names = ", ".join(registry.names(kind))
        raise InputError(f"{kind} must be a {kind} or the name of one ({names}), found {_shown(given)}")
    return given


def _plain(part: str, given: object) -> object:
    cls = PLAIN[part]
    if isinstance(given, cls):
        return given
    if given is None or isinstance(given, Mapping):
        return _build(cls, part, given or {})
    also = "the model's name, " if part == "model" else ""
    raise InputError(f"{part} must be {also}a {cls.__name__} or a mapping of its fields, found {_shown(given)}")


def _data_fields(given: object) -> object:
    """Returns the settings for what may stand for them: the training data itself."""
    if given is None or isinstance(given, DataConfig):
        return given
    if (
        type(given) is dict
        and "train" in given
        and given.keys() <= {field.name for field in dataclasses.fields(DataConfig)}
    ):
        return given
    # A frame or a data set is known by its columns, so that neither pandas nor datasets is loaded to tell.
    tabular = hasattr(given, "columns") or hasattr(given, "column_names")
    if isinstance(given, type) or not (tabular or isinstance(given, str | Path | Mapping | list | tuple)):
        raise InputError(
            "data must be a file, a folder, a Hub id, a frame, a list of rows, (texts, labels) or a DataConfig, found "
            + _shown(given)
        )
    return {"train": given}


def _shown(value: object) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else f"{value!r:.60} ({type(value).__name__})"


def _part_with(name: str) -> str:
    """Returns the hint for a name that is no part: the nearest part, or those that have a field of that name."""
    owners = [part for part, cls in PLAIN.items() if name in (field.name for field in dataclasses.fields(cls))]
    if owners:
        return f": {name} is a field of {' and of '.join(owners)}; write it below that, as {owners[0]}: {{{name}: ...}}"
    return f"{nearest(name, [*CHOSEN, *PLAIN])}; parts: {', '.join((*CHOSEN, *PLAIN))}"


def _build(cls: type[Any], part: str, fields: Mapping[str, object]) -> Any:
    known = [f.name for f in dataclasses.fields(cls)]
    for name in fields:
        if name not in known:
            raise InputError(
                f"{part} has no field {name!r}{nearest(str(name), known)}; fields: {', '.join(known) or 'none'}"
            )
    return cls(**fields)
