"""How single rows are looked at after a run: how right each answer is, how sure, and where in the text it is wrong.

Each kind of answers gives these functions in its file in nlptl/evaluation/kinds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from nlptl.core.records import Example, Prediction
from nlptl.evaluation.kind import Answered
from nlptl.evaluation.label_errors import Issue
from nlptl.evaluation.ratios import Floats

Names = Sequence[str]


@dataclass(frozen=True)
class Seen(Answered):
    """Labelled rows with their predictions."""

    predictions: Sequence[Prediction]
    """One for each of `references`; `decisions` are their answers."""

    @cached_property
    def scores(self) -> Floats | None:
        """Score of each label, (n, classes); None if a prediction lacks one."""
        names = self.labels.names
        rows = [[p.scores.get(name) for name in names] for p in self.predictions]
        return None if not rows or any(None in row for row in rows) else np.array(rows, np.float64)


@dataclass(frozen=True)
class Graded:
    """How right the answers are: on any rows the metric is sum(above) / sum(below)."""

    metric: str
    """Name of the metric, such as accuracy."""
    above: Floats
    """(n,)"""
    below: Floats
    """(n,)"""
    wrong: Floats
    """How wrong each row is, (n,); 0 if it is right. The largest are shown as errors."""
    order: str
    """Which rows are the most wrong, in words: "the most confident first"."""
    measure: str = ""
    """Name of the number that is shown with a wrong row, such as probability."""
    measured: Floats | None = None
    """That number, (n,); None: `wrong`."""
    greater_is_better: bool = True
    is_share: bool = True
    """Whether the metric lies between 0 and 1."""


@dataclass(frozen=True)
class Stated:
    """Probabilities that the model states, and whether what it states is true."""

    probabilities: Floats
    """(m,)"""
    true: npt.NDArray[np.bool_]
    """(m,)"""
    of: str
    """What one of them is, in the plural: "rows"."""
    decided: bool = True
    """Whether each is a decision, so that the least sure can be left to people."""


class Mark(NamedTuple):
    """A part of a text that is shown because the label or the prediction names it."""

    start: int
    """Index of the first character."""
    end: int
    """Index after the last character."""
    sort: Literal["right", "missed", "wrong"]
    """right: label and prediction name it; missed: only the label; wrong: only the prediction."""
    name: str = ""
    """Such as the type of an entity."""


def _no_marks(example: Example, label: object, prediction: Prediction) -> tuple[list[Mark], list[Mark]]:
    return [], []


def _nothing_stated(rows: Seen) -> None:
    return None


def _no_issues(rows: Seen) -> list[Issue]:
    return []


@dataclass(frozen=True)
class Views:
    """The functions for one kind of answers."""

    grade: Callable[[Seen], Graded]
    """Measures how right each row is."""
    groups: Callable[[Seen], Sequence[Names] | Floats | None]
    """Returns by what labels rows are divided into slices: names of each row, numbers, or None."""
    said: Callable[..., str]
    """Returns a label or an answer in words."""
    stated: Callable[[Seen], Stated | None] = _nothing_stated
    """Returns the probabilities behind the answers; None if predictions have none."""
    issues: Callable[[Seen], list[Issue]] = _no_issues
    """Returns the labels that are likely wrong, the likeliest first."""
    finds_issues: bool = False
    """Whether `issues` looks for any."""
    marks: Callable[[Example, object, Prediction], tuple[list[Mark], list[Mark]]] = _no_marks
    """Returns the parts to mark in an example's text and in its second text, from its label and prediction."""
