"""A recipe: everything that defines a run, as one value."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlptl.core import registry
from nlptl.core.config import DataConfig, EvalConfig, ModelConfig, TrainConfig
from nlptl.core.errors import InputError, nearest
from nlptl.core.protocols import Method, Task

if TYPE_CHECKING:
    from nlptl.runs.run import Run

PLAIN = {"data": DataConfig, "model": ModelConfig, "train": TrainConfig, "eval": EvalConfig}
CHOSEN = ("task", "method")
FORMAT = 1
"""Of recipe.yaml; a recipe without a number is read as 1."""


def _default_task() -> Task:
    task: Task = registry.load("task", "sentiment")()
    return task


def _default_method() -> Method:
    method: Method = registry.load("method", "full")()
    return method


@dataclass(frozen=True)
class Recipe:
    """Task, model, method and data of a run; script, import, command line and launcher build the same value."""

    task: Task = field(default_factory=_default_task)
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    method: Method = field(default_factory=_default_method)
    train: TrainConfig = field(default_factory=TrainConfig)
    eval: EvalConfig = field(default_factory=EvalConfig)

    def run(self, output: str | Path | None = None) -> Run:
        """Trains, evaluates, saves and checks; returns the finished run.

        Args:
            output: the run's folder; default: the first free runs/TASK-METHOD-N.

        Raises:
            InputError: something given cannot be used; nothing was trained.
            TrainingError: training had to stop.
        """
        from nlptl.runs import training

        return training.train(self, output)

    def to_dict(self) -> dict[str, Any]:
        """Returns the recipe as plain values, the form of recipe.yaml."""
        return {kind: _chosen_to_dict(kind, getattr(self, kind)) for kind in CHOSEN} | {
            name: dataclasses.asdict(getattr(self, name)) for name in PLAIN
        }

    @staticmethod
    def from_dict(values: dict[str, Any]) -> Recipe:
        """Returns the recipe that `to_dict` wrote.

        Raises:
            InputError: a name or a field is unknown, or a value out of range.
        """
        values = _parts(values)
        unknown = set(values) - set(CHOSEN) - set(PLAIN)
        if unknown:
            name = sorted(unknown)[0]
            raise InputError(f"a recipe has no part {name!r}{nearest(name, [*CHOSEN, *PLAIN])}")
        parts: dict[str, Any] = {kind: chosen_from_dict(kind, values[kind]) for kind in CHOSEN if kind in values}
        parts |= {name: _build(cls, name, values.get(name, {})) for name, cls in PLAIN.items()}
        return Recipe(**parts)


def _parts(values: object) -> dict[str, dict[str, Any]]:
    """Returns a recipe's values without their format number.

    Raises:
        InputError: a newer nlptl wrote them, or they are no mappings of names.
    """
    parts: dict[str, Any] = dict(values) if isinstance(values, dict) else {"": values}
    version = parts.pop("format", FORMAT)
    if type(version) is not int or not 1 <= version <= FORMAT:
        raise InputError(f"the recipe has format {version!r}, this nlptl reads up to {FORMAT}: a newer one is needed")
    named = all(isinstance(fields, dict) and all(isinstance(n, str) for n in fields) for fields in parts.values())
    if not named or not all(isinstance(part, str) for part in parts):
        raise InputError("expected a recipe: parts (task, method, data, model, train, eval), each a mapping of fields")
    return parts


def resume(folder: str | Path) -> Run:
    """Goes on with a run that was stopped; see `nlptl.runs.training.resume`."""
    from nlptl.runs import training

    return training.resume(folder)


def chosen_from_dict(kind: str, values: dict[str, Any]) -> Any:
    """Returns a task or method from its name and fields, {"name": "lora", "rank": 16}."""
    fields = dict(values)
    if not isinstance(fields.get("name"), str):
        raise InputError(f"{kind} has no name; known: {', '.join(registry.names(kind))}")
    return _build(registry.load(kind, fields.pop("name")), kind, fields)


def _chosen_to_dict(kind: str, value: Any) -> dict[str, Any]:
    return {"name": registry.name_of(kind, type(value)), **dataclasses.asdict(value)}


def _build(cls: Any, part: str, fields: dict[str, Any]) -> Any:
    known = [f.name for f in dataclasses.fields(cls)]
    for name in fields:
        if name not in known:
            raise InputError(
                f"{part} has no field {name!r}{nearest(name, known)}; fields: {', '.join(known) or 'none'}"
            )
    return cls(**fields)
