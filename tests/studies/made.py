"""Writes finished runs by hand: only the files that a comparison reads."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from nlptl import evaluation
from nlptl.core import files
from nlptl.core.recipe import FORMAT, Recipe
from nlptl.core.records import LabelSpace, Prediction
from nlptl.core.result import Base, Memory, Parameters, Primary, Result, Timing
from nlptl.runs.folder import Folder

LABELS = LabelSpace(("negative", "positive"))


def write_run(
    folder: Path,
    references: Sequence[Any],
    predictions: Sequence[Prediction],
    *,
    task: Any = "sentiment",
    labels: LabelSpace = LABELS,
    metric: str | None = None,
    split: str = "test",
    **fields: Any,
) -> Path:
    """Returns the folder of a run of `method="full"` that predicted these rows."""
    recipe = Recipe(task=task, data="rows.csv")
    metric = metric or recipe.task.metric
    value = evaluation.values(recipe.task.output, references, predictions, labels, [metric])[metric]
    plain: Any = recipe.to_dict()
    result = Result(
        status="succeeded",
        task=plain["task"]["name"],
        method="full",
        model=Base("bert", None, "0" * 64),
        rows={split: len(references)},
        labels=labels.names,
        parameters=Parameters(100, 10),
        timing=Timing(train_s=1.5),
        memory=Memory(200.0),
        primary=Primary(metric, split, value),
        artifact_bytes=2**20,
    )
    folder.mkdir(parents=True)
    files.write_text(folder / "recipe.yaml", yaml.safe_dump({"format": FORMAT, **plain}))
    Folder(folder).write_predictions(split, predictions, references)
    replace(result, **fields).write(folder / "result.json")
    return folder


def answered(answers: Sequence[Any], scores: Sequence[dict[str, float]] | None = None) -> list[Prediction]:
    """Returns predictions with row ids from 0."""
    return [Prediction(i, answer, scores[i] if scores else {}) for i, answer in enumerate(answers)]
