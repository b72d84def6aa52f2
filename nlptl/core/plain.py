"""Dictionaries that are written to JSON unchanged."""

import math
from typing import NotRequired, TypedDict


class Decision(TypedDict, total=False):
    """What is fitted on validation to decide from scores, part of the model; empty if nothing is."""

    temperature: float
    """For one or several labels: logits are divided by it before they become scores (eval.calibration)."""
    thresholds: dict[str, float]
    """For several labels: the least probability at which each label is given."""
    abstain_below: float
    """For one label: the model abstains from rows whose predicted label has a lower score (eval.abstain); above 1: from
    all rows."""
    no_answer: float
    """For spans: the `no_answer_margin` above which no answer is given."""


class Span(TypedDict):
    """A part of the user's text: an entity, or a likely answer."""

    text: str
    label: NotRequired[str]
    """The type of an entity."""
    start: int
    """Index of the first character."""
    end: int
    """Index after the last character."""
    score: float


def decision_of(value: object) -> Decision:
    """Returns a decision that was read from a file.

    Raises:
        TypeError: it is no object.
        ValueError: a number is missing, or no scores can be computed with it.
    """
    if not isinstance(value, dict):
        raise TypeError(f"its decision is {value!r}")
    decision: Decision = value  # type: ignore[assignment]
    for name in ("temperature", "abstain_below", "no_answer"):
        number = value.get(name, 1.0)
        wrong = isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number)
        if wrong or (name == "temperature" and number <= 0):
            raise ValueError(f"the decision's {name} is {number!r}")
    return decision
