"""Finished runs as their files describe them; no model is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nlptl import data
from nlptl.core import files
from nlptl.core.comparison import Split
from nlptl.core.errors import InputError
from nlptl.core.recipe import Recipe
from nlptl.core.records import Answer, LabelSpace, Prediction
from nlptl.core.result import Result
from nlptl.runs.folder import CARD, INPUTS, Folder
from nlptl.runs.rows import Row, read_rows

ADVICE = "restore it, or train the run again"


@dataclass(frozen=True)
class Finished:
    """A finished run and its answers for one split."""

    folder: Path
    recipe: Recipe
    result: Result
    labels: LabelSpace
    references: Sequence[object]
    """The label of each row, see `Example.label`."""
    predictions: Sequence[Prediction]
    fingerprint: str | None
    """Hash of the rows, see `data.fingerprint`; None if the run's inputs.json is gone."""

    @property
    def row_ids(self) -> list[int]:
        """The ids of the rows, in the data's order."""
        return [prediction.row_id for prediction in self.predictions]


def primary_split(path: Path) -> Split:
    """Returns the split of a run's primary metric: test, or validation if it has no test rows.

    Raises:
        InputError: as `read`.
    """
    primary = _result(path).primary
    return "validation" if primary is not None and primary.split == "validation" else "test"


def read(path: Path, split: str) -> Finished:
    """Returns a finished run with its answers.

    Args:
        path: the run's folder.
        split: validation or test.

    Raises:
        InputError: it is no run's folder, the run is not finished, or a file is damaged.
    """
    result, recipe = _result(path), Folder(path).recipe()
    rows = _predicted(path, split, result)
    predictions = [_prediction(row, f"{path}: predictions/{split}.jsonl, line {i}") for i, row in enumerate(rows, 1)]
    fingerprint = _fingerprint(path / INPUTS, split)
    if all("label" in row for row in rows):
        references = [_label(row["label"]) for row in rows]
    else:
        references = _labels_of_data(path, recipe, split, fingerprint)
    return Finished(path, recipe, result, _label_space(path, result), references, predictions, fingerprint)


def _result(path: Path) -> Result:
    if not path.is_dir():
        raise InputError(f"there is no run's folder {str(path)!r}")
    result = Folder(path).result()
    if result.status != "succeeded":
        raise InputError(f"{path} is not finished, its status is {result.status!r}; {_go_on(result, path)}")
    return result


def _go_on(result: Result, path: Path) -> str:
    return (
        f"nlptl train --resume {path} goes on" if result.status == "interrupted" else f"it ended with: {result.error}"
    )


def _predicted(path: Path, split: str, result: Result) -> list[Row]:
    file = path / "predictions" / f"{split}.jsonl"
    if not file.exists():
        others = sorted(p.stem for p in file.parent.glob("*.jsonl"))
        hint = f"; it has those of {' and '.join(others)} (--split {others[0]})" if others else ""
        raise InputError(f"{path} has no predictions for the {split} rows{hint}")
    rows = read_rows(file)
    n = result.rows.get(split)
    if len(rows) != n or not rows:
        raise files.damaged(file, f"it has {len(rows)} whole lines, the run's result has {n} {split} rows", ADVICE)
    return rows


def _prediction(row: object, place: str) -> Prediction:
    if not isinstance(row, Mapping) or "prediction" not in row or type(row.get("row_id")) is not int:
        raise files.damaged(place, f"expected a row_id and a prediction, found {row!r:.60}", ADVICE)
    scores = row.get("scores")
    numbers = scores if isinstance(scores, Mapping) else {}
    known = {str(name): float(score) for name, score in numbers.items() if isinstance(score, int | float)}
    abstained = row.get("abstained")
    return Prediction(row["row_id"], row["prediction"], known, abstained=None if abstained is None else bool(abstained))


def _label(value: object) -> object:
    """Returns a label as `Example.label`, from its JSON value."""
    if not isinstance(value, list):
        return value
    return tuple(Answer(part["text"], part["start"]) if isinstance(part, Mapping) else part for part in value)


def _fingerprint(path: Path, split: str) -> str | None:
    return str(files.read_object(path, ADVICE).get(f"data.{split}")) if path.exists() else None


def _labels_of_data(path: Path, recipe: Recipe, split: str, fingerprint: str | None) -> list[object]:
    """Returns the labels in the run's data, because old versions did not write them beside the predictions."""
    lacks = f"{path}: predictions/{split}.jsonl has no labels (an older nlptl wrote it)"
    try:
        corpus = data.load(recipe.data, recipe.task.columns, sample=recipe.task.sample, seed=recipe.train.seed)
    except InputError as error:
        raise InputError(f"{lacks}, and its data cannot be read: {error}") from error
    examples = corpus.splits.get(split, [])
    if data.fingerprint(examples) != fingerprint:
        raise InputError(f"{lacks}, and its data has changed since it was trained; train the run again")
    return [example.label for example in examples]


def _label_space(path: Path, result: Result) -> LabelSpace:
    """Returns the labels; their numbers, which only ordered labels have, are known to the model's card."""
    labels, card = LabelSpace(result.labels), path / "model" / CARD
    if not card.exists():
        return labels
    stored = files.read_object(card, ADVICE).get("labels")
    values = stored.get("values") if isinstance(stored, Mapping) else None
    return replace(labels, values=tuple(map(float, values))) if values else labels
