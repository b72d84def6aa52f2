"""The evaluated rows of a run: predictions from its files, texts and columns from the data, if it still is there."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nlptl import data
from nlptl.core import files
from nlptl.core.errors import NlptlError
from nlptl.core.plain import Span
from nlptl.core.recipe import Recipe
from nlptl.core.records import SPLITS, Answer, Corpus, Example, LabelSpace, Prediction
from nlptl.evaluation.views import Seen
from nlptl.runs.folder import ADVICE, INPUTS
from nlptl.runs.inputs import IN_MEMORY


@dataclass(frozen=True)
class Source:
    """The data of a run, as far as it is there and unchanged."""

    examples: Mapping[str, Mapping[int, Example]] = field(default_factory=dict)
    """By split and row id."""
    kept: Mapping[str, Mapping[str, Sequence[object]]] = field(default_factory=dict)
    """Columns by split and name: the value of each row id."""
    why: str = ""
    """Why some of it is not there; empty if all is."""

    @staticmethod
    def of(corpus: Corpus, splits: Sequence[str], why: str = "") -> "Source":
        """Returns the data of some splits of a corpus."""
        examples = {split: {e.row_id: e for e in corpus.splits[split]} for split in splits if split in corpus.splits}
        return Source(examples, {split: corpus.kept.get(split, {}) for split in examples}, why)


@dataclass(frozen=True)
class SplitRows:
    """The labelled rows of a split that have a prediction."""

    split: str
    seen: Seen
    examples: Sequence[Example | None]
    """None if the data is not there."""
    columns: Mapping[str, Sequence[object]]
    """Values of further columns, one a row."""
    notes: Sequence[str]
    """What is missing, in words."""


def read_source(folder: Path, recipe: Recipe, *, strict: bool = False) -> Source:
    """Returns the evaluated data of a run, read again; only what has the hash that the run noted.

    Args:
        folder: of the run.
        recipe: of the run; `eval.slices` names the columns to keep.
        strict: whether data that cannot be read is an error.

    Raises:
        InputError: it cannot be read, and `strict` is set.
    """
    named = [str(value) for split in SPLITS if (value := getattr(recipe.data, split)) is not None]
    if any(name.startswith(IN_MEMORY) for name in named):
        return Source(why="The data was in memory and is gone: rows are shown by their ids alone.")
    task, keep = recipe.task, recipe.eval.slices or ()
    try:
        known = files.read_object(folder / INPUTS, ADVICE[INPUTS])
        corpus = data.load(recipe.data, task.columns, sample=task.sample, seed=recipe.train.seed, keep=keep)
    except (NlptlError, OSError) as error:
        if strict:
            raise
        return Source(why=f"The data cannot be read again, so rows are shown by their ids alone: {error}")
    evaluated = [split for split in SPLITS[1:] if split in corpus.splits]
    same = [s for s in evaluated if data.fingerprint(corpus.splits[s]) == known.get(f"data.{s}")]
    changed = [s for s in evaluated if s not in same]
    why = f"The {' and '.join(changed)} data has changed since the run: those rows are shown by their ids alone."
    return Source.of(corpus, same, why if changed else "")


def read_rows(path: Path, split: str, names: Sequence[str], source: Source) -> SplitRows | None:
    """Returns the rows of predictions/SPLIT.jsonl; None if there is no such file.

    Lines that are damaged, and rows without a label, are left out and counted in the notes.

    Args:
        path: of the run's folder.
        split: of the rows.
        names: the labels of the model; empty if they are not known.
        source: the data.
    """
    file = path / "predictions" / f"{split}.jsonl"
    if not file.exists():
        return None
    known, predictions, references, n_damaged, n_bare = source.examples.get(split, {}), [], [], 0, 0
    with file.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            prediction, label = _read(line)
            if prediction is None:
                n_damaged += 1
                continue
            example = known.get(prediction.row_id)
            label = example.label if label is None and example else label
            if label is None:
                n_bare += 1
                continue
            predictions.append(prediction)
            references.append(label)
    notes = [f"Damaged lines left out of {file.name}: {n_damaged:,}."] if n_damaged else []
    notes += [f"Rows left out of {split} because they have no label: {n_bare:,}."] if n_bare else []
    space = LabelSpace(tuple(names or (predictions[0].scores if predictions else ())))
    seen = Seen(references, [p.prediction for p in predictions], space, predictions)
    ids = [p.row_id for p in predictions]
    columns = {name: _of_rows(values, ids) for name, values in source.kept.get(split, {}).items()}
    return SplitRows(split, seen, [known.get(i) for i in ids], columns, notes)


def _read(line: str) -> tuple[Prediction | None, object]:
    """Returns the prediction and the label of a line; no prediction if the line is damaged."""
    try:
        values = json.loads(line)
        spans: list[Span] | None = values.get("spans")
        found = Prediction(int(values["row_id"]), values["prediction"], dict(values.get("scores") or {}), spans)
        return found, _label(values.get("label"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None, None


def _label(value: object) -> object:
    """Returns a label as `Example.label` has it."""
    if not isinstance(value, list):
        return value
    return tuple(Answer(**part) if isinstance(part, dict) else part for part in value)


def _of_rows(values: Sequence[object], row_ids: Sequence[int]) -> list[object]:
    return [values[i] if i < len(values) else None for i in row_ids]
