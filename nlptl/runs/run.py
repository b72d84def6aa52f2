"""A finished run, opened again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from html import escape
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from nlptl import data, evaluation
from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError, NlptlError, nearest
from nlptl.core.recipe import resume
from nlptl.core.records import Column, Example, Prediction, Scores
from nlptl.report import notebook
from nlptl.runs.fetching import fetched
from nlptl.runs.rows import Row, Rows, read_rows, rows_in

if TYPE_CHECKING:
    import numpy as np

    from nlptl.core.callbacks import Callback
    from nlptl.core.explanation import Explanation
    from nlptl.core.records import Pretrained
    from nlptl.core.result import Result
    from nlptl.runs.predictor import Predictor


def load(folder: str | Path, *, trust_changes: bool = False) -> Run:
    """Opens a run's folder, the model/ folder of one, or a model on the Hub, and loads its model.

    Args:
        folder: of the run, or its model; or OWNER/NAME on the Hub, which is downloaded.
        trust_changes: opens a model whose files were edited since training, and says which; none of its parameters
            may be missing.

    Raises:
        InputError: the folder is neither, its model was changed, or its pretrained model is missing.
    """
    run = Run(fetched(folder), trust_changes=trust_changes)
    _ = run.pretrained
    return run


class Run:
    """A finished run: what it measured, and its model.

    Args:
        folder: the run's folder, or the model/ folder of one.
        trust_changes: see `load`.
        result: the content of result.json, if it is known: the folder may then lie on another machine.
    """

    def __init__(self, folder: Path, *, trust_changes: bool = False, result: Result | None = None) -> None:
        if result is None and not folder.is_dir():
            raise InputError(f"there is no run's folder {str(folder)!r}")
        self.folder = folder
        self._result = result
        self.trust_changes = trust_changes

    def __repr__(self) -> str:
        """Returns the folder and the measurements, as far as they are known."""
        try:
            return f"Run({str(self.folder)!r}, {notebook.line(self.result)})"
        except (NlptlError, OSError, ValueError, LookupError, TypeError, AttributeError):
            return f"Run({str(self.folder)!r})"  # a model's folder has no result, and a damaged one is told elsewhere

    def _repr_html_(self) -> str:
        try:
            return notebook.table(str(self.folder), self.result)
        except (NlptlError, OSError, ValueError, LookupError, TypeError, AttributeError):
            return escape(repr(self))

    @cached_property
    def result(self) -> Result:
        """What the run measured, or why it ended: result.json as a record."""
        from nlptl.runs.folder import Folder

        return Folder(self.folder).result() if self._result is None else self._result

    def resume(self, callbacks: Sequence[Callback] = ()) -> Run:
        """Resumes this run, if it was stopped, from its newest checkpoint; see `nlptl.runs.training.resume`."""
        return resume(self.folder, callbacks)

    @property
    def metrics(self) -> dict[str, dict[str, dict[str, float]]]:
        """Measured values with 95 % intervals, by split and name: {"test": {"accuracy": {"value", "low", "high"}}}."""
        metrics = self.result.metrics
        if not metrics:
            raise InputError(
                f"{self.folder} has no metrics, its status is {self.result.status!r}: "
                f"nlptl train --resume {self.folder} goes on with a run that was stopped"
            )
        return {split: {name: asdict(value) for name, value in own.items()} for split, own in metrics.items()}

    @property
    def history(self) -> Rows[Row]:
        """The log of training: loss and learning rate by update, and validation metrics."""
        return self._rows("metrics.jsonl")

    @property
    def test_predictions(self) -> Rows[Row]:
        """The predictions for the test rows, in the data's order."""
        return self._rows("predictions/test.jsonl")

    def _rows(self, name: str) -> Rows[Row]:
        path = self.folder / name
        if not path.exists():
            raise InputError(f"{self.folder} has no {name}")
        return read_rows(path)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of the logits."""
        return self.pretrained.labels.names

    @property
    def pretrained(self) -> Pretrained:
        """The model."""
        return self.predictor.pretrained

    @property
    def predictor(self) -> Predictor:
        """The model, opened once and ready to predict."""
        return self._opened

    @property
    def model_folder(self) -> Path:
        """The portable artifact."""
        inside = self.folder / "model"
        if not inside.is_dir() and (self.folder / "recipe.yaml").exists():
            raise InputError(
                f"{self.folder} is not finished, it has no model; nlptl train --resume {self.folder} goes on"
            )
        return inside if inside.is_dir() else self.folder

    def answers(self, examples: Sequence[Example]) -> np.ndarray:
        """Returns the raw answers in the order of the examples.

        float32 (n, classes), for tags and spans (n_tokens, classes); for written texts tokens, int64 (n, longest).
        """
        return self.predictor.answers(examples)

    def predict(self, source: object) -> Rows[Prediction]:
        """Returns one prediction per row, in the source's order.

        Args:
            source: texts, or whatever `DataConfig.train` takes (a file, a frame, dicts); labels are not needed.
        """
        rows = rows_in(source, "predict")
        return Rows() if rows is None else Rows(self.predictions(rows))

    def predictions(self, source: object, config: DataConfig | None = None) -> Iterator[Prediction]:
        """Yields one prediction per row, in the source's order; long files are read in parts.

        Args:
            source: as `predict`.
            config: names of columns and the like, if the usual ones do not fit.
        """
        for examples in data.stream(source, config or DataConfig(), self._columns()):
            yield from self.predictor.predict(examples)

    def new_examples(self, source: object, config: DataConfig) -> Iterator[Example]:
        """Yields the rows of new data, without labels, in the source's order."""
        return chain.from_iterable(data.stream(source, config, self._columns()))

    def new_rows(self, source: object, config: DataConfig | None = None) -> data.NewRows:
        """Opens new data: gives its rows as `predict_examples` takes them, and as they are in the source.

        Args:
            source: as `predict`, but no list of texts.
            config: names of columns and the like, if the usual ones do not fit.
        """
        return data.NewRows(source, config or DataConfig(), self._columns())

    def explain(self, source: object, *, label: str | None = None) -> Rows[Explanation]:
        """Returns what each word adds to the prediction, for each row in the source's order: see docs/explain.md.

        Args:
            source: as `predict`.
            label: the label to explain; None: the predicted one, of several labels the likeliest.

        Raises:
            InputError: such predictions cannot be explained, or the model has no such label.
        """
        from nlptl.runs.explaining import Explainer

        explainer = Explainer(self.predictor, label)
        rows = rows_in(source, "explain")
        return Rows() if rows is None else Rows(map(explainer.explain, self.new_examples(rows, DataConfig())))

    def predict_examples(self, examples: Sequence[Example]) -> list[Prediction]:
        """Returns one prediction per example, in their order."""
        return self.predictor.predict(examples)

    def evaluate(
        self,
        source: object,
        *,
        config: DataConfig | None = None,
        metrics: Sequence[str] | None = None,
        n_bootstrap: int = 1000,
        seed: int = 0,
    ) -> Scores:
        """Returns the scores on labelled data; long files with labels for whole texts are read in parts.

        Args:
            source: a file, a frame, dicts.
            config: names of columns and the like, if the usual ones do not fit.
            metrics: as `EvalConfig.metrics`; None for all that fit the answers.
            n_bootstrap: resamples for the intervals.
            seed: of the resamples.

        Raises:
            InputError: the data cannot be read, has a label that the model does not know, or a metric is unknown.
        """
        config = config or DataConfig()
        output, names = self.pretrained.output, self.pretrained.labels
        if metrics:
            evaluation.check(output, names, self.predictor.task.metric, metrics)
        labels = data.without_texts(source, config, self._columns())
        examples = self.labelled(source, config, labels)
        predictions = self.predict_examples(examples) if labels is None else self.predictions(source, config)
        references = [e.label for e in examples]
        drawn = {"n_bootstrap": n_bootstrap, "seed": seed}
        return evaluation.score(output, references, predictions, names, only=metrics, **drawn)

    def labelled(self, source: object, config: DataConfig, examples: list[Example] | None = None) -> list[Example]:
        """Returns labelled rows, checked; `examples`: these rows, if they have been read."""
        found = self.read(source, config, need_label=True) if examples is None else examples
        found = data.named_as(found, self.labels, self.pretrained.output)
        self._check_labels(found, source)
        return found

    def read(self, source: object, config: DataConfig, *, need_label: bool) -> list[Example]:
        """Returns the rows of new data, its columns found as in training."""
        return data.load_split(source, config, self._columns(), need_label=need_label)

    def _columns(self) -> list[Column]:
        trained = self.predictor.columns
        return [
            replace(column, usual=tuple(dict.fromkeys((trained[column.role], *column.usual))))
            if column.role in trained
            else column
            for column in self.predictor.task.columns
        ]

    @property
    def needed(self) -> dict[str, Column]:
        """The columns that a new row must have, by the names under which they are given."""
        read = (c for c in self._columns() if c.field != "label")
        return {_flag_role(c): c for c in read if c.required or c.role in self.predictor.columns}

    def row(self, values: dict[str, str]) -> Example:
        """Returns one row from its texts by role, such as {"question": ..., "context": ...}.

        Raises:
            InputError: a text that the task needs is missing, or there is one that it does not read.
        """
        columns = self.needed
        for role in values:
            if role not in columns:
                raise InputError(
                    f"this model does not read {role!r}{nearest(role, columns)}; it reads {_roles(columns)}"
                )
        missing = [role for role in columns if role not in values]
        if missing:
            raise InputError(f"this model needs {missing[0]!r} as well; it reads {_roles(columns)}")
        own = [replace(column, usual=(role,)) for role, column in columns.items()]
        return data.load_split([values], DataConfig(), own, need_label=False)[0]

    def _check_labels(self, examples: Sequence[Example], source: object) -> None:
        unknown = data.unknown_label(examples, self.labels, self.pretrained.output)
        if unknown is None:
            return
        row_id, label = unknown
        where = source if isinstance(source, str | Path) else type(source).__name__
        raise InputError(
            f"{where}: row {row_id} has the label {label!r}, which the model does not know"
            f"{nearest(label, self.labels)}; labels: {', '.join(self.labels)}; if training renamed "
            "them, give the same --data.label_names"
        )

    @cached_property
    def _opened(self) -> Predictor:
        from nlptl.runs.predictor import Predictor

        return Predictor.open(self.model_folder, trust_changes=self.trust_changes)


def _flag_role(column: Column) -> str:
    """Returns the name by which a text is given: the column's role, or in a user's own task the field that it fills."""
    return column.role if column.role in DataConfig.__dataclass_fields__ else column.field


def _roles(columns: Iterable[str]) -> str:
    return ", ".join(f"--{role.replace('_', '-')}" for role in columns)
