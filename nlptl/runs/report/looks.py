"""The parts of the page that look at single rows: slices, errors, likely label errors, confidence."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from nlptl.core.records import Example, Prediction
from nlptl.evaluation import kinds, reliability, slices
from nlptl.evaluation.label_errors import Issue
from nlptl.evaluation.slices import Part
from nlptl.evaluation.views import Graded, Views
from nlptl.report import figures
from nlptl.report.excerpts import pieces
from nlptl.report.page import SliceRow, Slices
from nlptl.report.parts import ErrorRow, Errors, Figure, Texts
from nlptl.report.rendering import number
from nlptl.runs.report.rows import SplitRows

MOST_ROWS, MOST_DOTS = 20, 1000
"""Rows that are shown, and dots of a figure."""
LEAST_STATED = 20
"""Fewer probabilities say nothing about how true they are."""
LENGTH = "characters"
"""Name of the slices by text length."""
CERTAIN = "Each bin holds equally many {of}; a bar is the 95 % interval. On the dashed line, what is stated is true."


class Looks:
    """Looks at the rows of a split.

    Args:
        rows: at least one.
        output: the kind of answers.
    """

    def __init__(self, rows: SplitRows, output: str) -> None:
        self._rows, self._seen = rows, rows.seen
        self._views: Views = kinds.views(output)

    def graded(self) -> Graded:
        """Returns how right each row is."""
        return self._views.grade(self._seen)

    def slices(self, seed: int) -> Slices:
        """Returns the metric by text length, label and the columns of the data that were asked for.

        Args:
            seed: of the permutations.
        """
        graded, parts = self.graded(), [*self._by_length(), *self._by_label()]
        for name, values in self._rows.columns.items():
            parts += slices.of_column(name, values)
        found = slices.compared(graded, parts, seed)
        rows = [SliceRow(s.column, s.value, s.n, s.score, s.rest, s.p, s.differs) for s in found]
        return Slices(graded.metric, rows, sum(one.p is not None for one in found), self._notes(parts))

    def errors(self) -> Errors:
        """Returns the rows that are the most wrong."""
        graded = self.graded()
        measured = graded.wrong if graded.measured is None else graded.measured
        worst = [int(i) for i in np.argsort(-graded.wrong, kind="stable")[:MOST_ROWS] if graded.wrong[i] > 0]
        rows = [self._error(i, _measured(measured[i]) if graded.measure else "") for i in worst]
        return Errors(rows, int(np.sum(graded.wrong > 0)), graded.measure, graded.order)

    @property
    def finds_issues(self) -> bool:
        """Whether labels of this kind are looked through."""
        return self._views.finds_issues

    def issues(self) -> list[Issue]:
        """Returns the labels that are likely wrong, the likeliest first."""
        return self._views.issues(self._seen)

    def row_of(self, issue: Issue) -> ErrorRow:
        """Returns the row whose label is likely wrong."""
        row = self._error(issue.row, _measured(issue.margin))
        return dataclasses.replace(row, label=issue.given, prediction=issue.suggested)

    def confidence(self) -> tuple[list[Figure], str]:
        """Returns plots of how true stated probabilities are, and the calibration error; none without probabilities."""
        stated = self._views.stated(self._seen)
        if stated is None:
            return [], "Predictions of this kind state no probability."
        n = len(stated.probabilities)
        if n < LEAST_STATED:
            return [], f"{n} {stated.of} are too few to say how true stated probabilities are."
        bins = reliability.bins(stated.probabilities, stated.true)
        error = reliability.expected_error(bins)
        true = [(b.true.value, b.true.low, b.true.high) for b in bins]
        svg = figures.reliability([b.stated for b in bins], true)
        found = [Figure(svg, "Reliability", CERTAIN.format(of=stated.of))]
        if stated.decided:
            share, accuracy = reliability.coverage(stated.probabilities, stated.true)
            drawn = figures.coverage(list(share), list(accuracy), stated.of)
            found.append(
                Figure(drawn, "Accuracy by coverage", "The most confident are kept, the others left to people.")
            )
        return found, (
            f"Expected calibration error {error:.3f} over {len(bins)} bins of {n:,} {stated.of}: how far a stated "
            f"probability is from the share that is true, on average. Stated: {stated.probabilities.mean():.3f}; true: "
            f"{stated.true.mean():.3f}."
        )

    def scatter(self) -> Figure | None:
        """Returns predicted by labelled numbers; None for other kinds of answers."""
        labels = self._views.groups(self._seen)
        if not isinstance(labels, np.ndarray):
            return None
        some = np.unique(np.linspace(0, len(labels) - 1, MOST_DOTS).round().astype(int))
        predictions = np.array(self._seen.decisions, np.float64)
        note = "On the dashed line both are equal." + (
            f" {len(some):,} of the rows." if len(some) < len(labels) else ""
        )
        return Figure(figures.scatter(list(labels[some]), list(predictions[some])), "Prediction by label", note)

    def _by_length(self) -> list[Part]:
        if any(example is None for example in self._rows.examples):
            return []
        return slices.quarters(LENGTH, [_length(e) for e in self._rows.examples if e is not None])

    def _by_label(self) -> list[Part]:
        groups = self._views.groups(self._seen)
        if groups is None:
            return []
        if isinstance(groups, np.ndarray):
            return slices.quarters("label", list(groups))
        return slices.named("label", groups)

    def _notes(self, parts: Sequence[Part]) -> list[str]:
        notes = [
            f"{column}: {shown} of {n:,} values are compared, the most frequent with at least {slices.LEAST_ROWS} rows."
            for column, (n, shown) in slices.sizes(parts).items()
            if shown < n
        ]
        if any(example is None for example in self._rows.examples):
            notes.append("Text length is left out, because the data is not there.")
        return notes

    def _error(self, i: int, measure: str) -> ErrorRow:
        prediction, example = self._seen.predictions[i], self._rows.examples[i]
        said, label = self._views.said, self._seen.references[i]
        texts = [] if example is None else self._texts(example, label, prediction)
        split, answer = self._rows.split, said(prediction.prediction)
        return ErrorRow(split, prediction.row_id, said(label), answer, measure, texts)

    def _texts(self, example: Example, label: object, prediction: Prediction) -> Texts:
        first, second = self._views.marks(example, label, prediction)
        texts = [pieces(example.text, first)]
        return texts if example.text_pair is None else [*texts, pieces(example.text_pair, second)]


def label_errors(looks: Sequence[Looks]) -> Errors | None:
    """Returns the likely label errors of several splits, the likeliest first; None if none are looked for."""
    found = [(issue, look) for look in looks for issue in look.issues()]
    found.sort(key=lambda pair: -pair[0].margin)
    rows = [look.row_of(issue) for issue, look in found[:MOST_ROWS]]
    return Errors(rows, len(found), "more probable by") if any(look.finds_issues for look in looks) else None


def _measured(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) else number(value)


def _length(example: Example) -> int:
    return len(example.text) + len(example.text_pair or "")
