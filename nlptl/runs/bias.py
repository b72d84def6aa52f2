"""How a run treats groups of labelled rows, and rows in which words are swapped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from nlptl import evaluation
from nlptl.core.bias import Flip, Groups, Swaps
from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError, nearest
from nlptl.core.records import Example, Prediction, Scores
from nlptl.data.table import is_missing
from nlptl.evaluation.intervals import Resampling
from nlptl.evaluation.rows import Rows
from nlptl.runs.run import Run

if TYPE_CHECKING:
    from nlptl.data.swapping import Swapping

MISSING = "(missing)"
MOST_FLIPS = 20
RESAMPLING = Resampling(1000, 0)


@dataclass(frozen=True)
class Labelled:
    """Labelled rows with a run's predictions, which are made when they are first needed."""

    run: Run
    source: object
    config: DataConfig
    examples: list[Example]

    @staticmethod
    def of(run: Run, source: object, config: DataConfig, metrics: Sequence[str] | None = None) -> Labelled:
        """Reads labelled rows.

        Args:
            run: whose model has one label a row.
            source: as in `Run.evaluate`.
            config: as in `Run.evaluate`.
            metrics: those that will be measured.

        Raises:
            InputError: the model does not give one label a row, the data cannot be read, or a metric is unknown.
        """
        pretrained = run.pretrained
        if not pretrained.kind.one_name:
            raise InputError(
                "scores by group and swapped words are for tasks with one label a row; this model answers with "
                f"{pretrained.kind.answer}"
            )
        if metrics:
            evaluation.check(pretrained.output, pretrained.labels, run.predictor.task.metric, metrics)
        return Labelled(run, source, config, run.labelled(source, config))

    @cached_property
    def predictions(self) -> list[Prediction]:
        """The predictions, in the order of the rows."""
        return self.run.predict_examples(self.examples)

    def scores(self, metrics: Sequence[str] | None = None) -> Scores:
        """Returns what `Run.evaluate` returns."""
        pretrained, references = self.run.pretrained, [example.label for example in self.examples]
        drawn = RESAMPLING._asdict()
        return evaluation.score(
            pretrained.output, references, self.predictions, pretrained.labels, only=metrics, **drawn
        )

    def groups(self, column: str, metric: str | None = None) -> Groups:
        """Returns the score by group of a column.

        Args:
            column: of the data.
            metric: a formula over decisions; None: the task's.

        Raises:
            InputError: there is no such column, it has too many values, or the metric cannot be measured by group.
        """
        metric, groups = metric or self.run.predictor.task.metric, self._column(column)
        evaluation.check_metric(metric, self.run.pretrained.labels)
        rows = self._rows(self.examples, self.predictions)
        return evaluation.by_group(column, groups, rows, metric, RESAMPLING)

    def swaps(self, swapping: Swapping) -> Swaps:
        """Returns what changes when words of the texts are swapped."""
        found = [swapping.found(example) for example in self.examples]
        having = [i for i, words in enumerate(found) if words]
        before = [self.examples[i] for i in having]
        after = [_swapped(example, swapping) for example in before]
        old = [self.predictions[i] for i in having]
        new = self.run.predict_examples(after) if after else []
        changed = evaluation.flips(self._rows(before, old), self._rows(after, new), RESAMPLING)
        return Swaps(
            words=swapping.words,
            n=len(having),
            n_all=len(self.examples),
            by_word=dict(Counter(word for words in found for word in sorted(words)).most_common()),
            flipped=changed.flipped,
            moved=changed.moved,
            by_label=changed.by_label,
            flips=tuple(
                Flip(before[i].row_id, _text(before[i]), _text(after[i]), old[i].prediction, new[i].prediction)
                for i in changed.order[:MOST_FLIPS]
            ),
        )

    def _rows(self, examples: Sequence[Example], predictions: Sequence[Prediction]) -> Rows:
        pretrained = self.run.pretrained
        return Rows.of(pretrained.output, [example.label for example in examples], predictions, pretrained.labels)

    def _column(self, column: str) -> list[str]:
        """Returns the values of a column for the rows that were predicted."""
        new = self.run.new_rows(self.source, self.config)
        if column not in new.columns:
            known = ", ".join(map(repr, new.columns))
            raise InputError(f"the data has no column {column!r}{nearest(column, new.columns)}; columns: {known}")
        values = {
            example.row_id: MISSING if is_missing(row.get(column)) else str(row.get(column)).strip() or MISSING
            for examples, rows in new.parts()
            for example, row in zip(examples, rows, strict=True)
        }
        return [values[example.row_id] for example in self.examples]


def _swapped(example: Example, swapping: Swapping) -> Example:
    pair = None if example.text_pair is None else swapping.swapped(example.text_pair)
    return replace(example, text=swapping.swapped(example.text), text_pair=pair)


def _text(example: Example) -> str:
    return example.text if example.text_pair is None else f"{example.text} | {example.text_pair}"
