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
FORMAT = 2
"""Format number of recipe.yaml; a recipe without one is read as format 1, which does not say what was resolved."""
RESOLVED = "resolved"
"""The part of recipe.yaml that names the settings which the user had left open, each with the reason for its value."""


@dataclass(frozen=True, init=False)
class Recipe:
    """Task, model, method, data and settings of a run; scripts and the command line build the same object."""

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
        """Makes a recipe from its parts; each may be a mapping of its fields, or None for the defaults.

        Args:
            task: a task, its name, or its name and fields: {"name": "sentiment", "scale": "stars"}.
            data: a `DataConfig`, or the value of `DataConfig.train`, such as "reviews.csv".
            model: a `ModelConfig`, or the model's Hub id or folder, such as "bert-base-uncased".
            method: a method, its name, or its name and fields: {"name": "lora", "rank": 16}.
            train: a `TrainConfig`.
            eval: an `EvalConfig`.

        Raises:
            InputError: a part has a wrong type, or a name or field is unknown.
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
        """Trains, evaluates and saves the model, checks that it reloads, and returns the finished run.

        Args:
            output: the run's folder; default: the first free runs/TASK-METHOD-N.
            callbacks: called after those of `TrainConfig.callbacks`. They are not part of the recipe: pass them again
                when resuming.

        Raises:
            InputError: a setting or the data cannot be used; nothing was trained.
            TrainingError: training had to stop.
        """
        from nlptl.runs import training

        return training.train(self, output, callbacks)

    def to_dict(self) -> dict[str, dict[str, object]]:
        """Returns the recipe as plain values, as in recipe.yaml."""
        fields = {part: dataclasses.asdict(getattr(self, part)) for part in (*CHOSEN, *PLAIN)}
        named = {kind: {"name": registry.name_of(kind, type(getattr(self, kind)))} for kind in CHOSEN}
        return {part: named.get(part, {}) | values for part, values in fields.items()}

    @staticmethod
    def from_dict(values: Mapping[str, object]) -> Recipe:
        """Returns the recipe for the output of `to_dict`, or for a shorter form such as {"method": "lora"}.

        Raises:
            InputError: a name or field is unknown, or a value is out of range.
        """
        if not isinstance(values, Mapping):
            raise InputError(f"expected a recipe, with the parts {', '.join((*CHOSEN, *PLAIN))}; found {values!r:.60}")
        values = _of_this_format(values)
        for name in values:
            if name not in (*CHOSEN, *PLAIN):
                raise InputError(f"a recipe has no part {name!r}{_part_with(str(name))}")
        data = values.get("data")  # a mapping here always holds fields of DataConfig, never rows by split
        return Recipe(**{**values, "data": _plain("data", data) if isinstance(data, Mapping) else data})


def _of_this_format(values: Mapping[str, object]) -> dict[str, Any]:
    """Returns a recipe's values without their format number and the reasons for them.

    Raises:
        InputError: a newer nlptl wrote them.
    """
    parts = dict(values)
    version = parts.pop("format", FORMAT)
    parts.pop(RESOLVED, None)
    if type(version) is not int or not 1 <= version <= FORMAT:
        raise InputError(f"the recipe has format {version!r}, this nlptl reads up to {FORMAT}: update nlptl")
    return parts


def resume(folder: str | Path, callbacks: Sequence[Callback] = ()) -> Run:
    """Continues a run that was stopped; see `nlptl.runs.training.resume`."""
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
    """Returns a task or method, given as an object, a name, or a name and fields."""
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
    model_name = "the model's name, " if part == "model" else ""
    raise InputError(f"{part} must be {model_name}a {cls.__name__} or a mapping of its fields, found {_shown(given)}")


def _data_fields(given: object) -> object:
    """Returns `data` settings; training data given directly becomes {"train": given}."""
    if given is None or isinstance(given, DataConfig):
        return given
    if (
        type(given) is dict
        and "train" in given
        and given.keys() <= {field.name for field in dataclasses.fields(DataConfig)}
    ):
        return given
    # Frames and data sets are recognised by their columns, so that neither pandas nor datasets is imported here.
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
    """Returns a hint for an unknown part: the parts with a field of that name, else the nearest part."""
    owners = [part for part, cls in PLAIN.items() if name in (field.name for field in dataclasses.fields(cls))]
    if owners:
        return f": {name} is a field of {' and of '.join(owners)}; write {owners[0]}: {{{name}: ...}}"
    return f"{nearest(name, [*CHOSEN, *PLAIN])}; parts: {', '.join((*CHOSEN, *PLAIN))}"


def _build(cls: type[Any], part: str, fields: Mapping[str, object]) -> Any:
    known = [f.name for f in dataclasses.fields(cls)]
    for name in fields:
        if name not in known:
            raise InputError(
                f"{part} has no field {name!r}{nearest(str(name), known)}; fields: {', '.join(known) or 'none'}"
            )
    return cls(**fields)
