"""Writes the files of a finished run without training one: what its page is made from."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from nlptl import data, evaluation
from nlptl.core import registry
from nlptl.core.config import DataConfig, EvalConfig
from nlptl.core.recipe import FORMAT, RESOLVED, Recipe
from nlptl.core.records import LabelSpace, Prediction
from nlptl.core.result import Baseline, Machine, Memory, Parameters, Primary, Result, Timing, Training
from nlptl.runs import inputs
from nlptl.runs.folder import Folder
from nlptl.runs.report.writing import write

Row = dict[str, Any]


def write_run(
    folder: Path,
    task: str,
    rows: Sequence[Row],
    answers: Sequence[Any],
    *,
    scores: Sequence[dict[str, float]] | None = None,
    spans: Sequence[Any] | None = None,
    fields: dict[str, Any] | None = None,
    slices: list[str] | None = None,
) -> Path:
    """Writes a run whose data has the same rows in every split, and returns its folder.

    Args:
        folder: where data and run are put.
        task: name of the task.
        rows: of the data.
        answers: the predictions, as `Prediction.prediction`.
        scores: of the predictions.
        spans: of the predictions.
        fields: of the task.
        slices: columns of the data.
    """
    file = folder / "data.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    recipe = Recipe(
        task={"name": task, **(fields or {})},
        method="full",
        data=DataConfig(train=str(file), validation=str(file), test=str(file)),
        eval=EvalConfig(slices=slices),
    )
    corpus = data.load(recipe.data, recipe.task.columns, sample="", seed=0, keep=slices or ())
    labels = recipe.task.label_space(corpus.splits["train"], corpus.label_names)
    predictions = [
        Prediction(i, answer, scores[i] if scores else {}, spans[i] if spans else None)
        for i, answer in enumerate(answers)
    ]
    run = Folder(folder / "run")
    run.path.mkdir()
    for split in ("validation", "test"):
        run.write_predictions(split, predictions, [e.label for e in corpus.splits[split]])
    result = _result(recipe, labels, [e.label for e in corpus.splits["test"]], predictions)
    result.write(run.path / "result.json")
    _write_inputs(run.path, recipe, corpus)
    return run.path


def page_of(run: Path, **options: Any) -> str:
    """Writes a run's page and returns it."""
    return write(run, **options).read_text(encoding="utf-8")


def _result(recipe: Recipe, labels: LabelSpace, references: list[Any], predictions: list[Prediction]) -> Result:
    output, metric = recipe.task.output, recipe.task.metric
    found = evaluation.score(output, references, predictions, labels, n_bootstrap=100, seed=0)
    own = found.metrics[metric]
    return Result(
        "succeeded",
        task=registry.name_of("task", type(recipe.task)),
        method="full",
        rows={"train": len(references), "validation": len(references), "test": len(references)},
        labels=labels.names,
        parameters=Parameters(100, 10),
        training=Training(20, best_update=10),
        timing=Timing(12.5, 10.0, 0.0, 100.0),
        memory=Memory(500.0),
        machine=Machine("cpu", 1, 2),
        metrics={"test": found.metrics, "validation": found.metrics},
        primary=Primary(metric, "test", own.value),
        baselines={"test": {"majority": Baseline(metric, own, own)}},
        per_class={"test": {n: {k: float(v) for k, v in row.items()} for n, row in found.per_class.items()}},
        confusion={"test": found.confusion},
        artifact_bytes=2**20,
        versions={"nlptl": "0.1.0"},
    )


def _write_inputs(run: Path, recipe: Recipe, corpus: Any) -> None:
    plain = inputs.storable(recipe.to_dict())
    stored = {"format": FORMAT, **plain, RESOLVED: {"train.lr": "full at width 384"}}
    (run / "recipe.yaml").write_text(yaml.safe_dump(stored, allow_unicode=True), encoding="utf-8")
    hashes = {f"data.{split}": data.fingerprint(rows) for split, rows in corpus.splits.items()}
    (run / "inputs.json").write_text(json.dumps(hashes))
    finding = {"kind": "x", "message": "1 row is <b>odd</b>", "n": 1, "severity": "warning", "details": {}}
    (run / "audit.json").write_text(json.dumps({"notes": ["a note"], "findings": [finding]}))
    log = [{"update": u, "loss": 1 / u, "lr": 1e-4 / u, "grad_norm": 1.0} for u in range(1, 21)]
    log.append({"update": 10, "epoch": 1, "validation": {recipe.task.metric: 0.5}})
    log.append({"update": 7, "skipped": "loss", "row_ids": [1]})
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in log))
