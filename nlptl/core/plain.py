"""Dictionaries that are written to JSON unchanged."""

from typing import NotRequired, TypedDict


class Decision(TypedDict, total=False):
    """Thresholds tuned on validation, part of the model; empty if the kind of answers has none."""

    thresholds: dict[str, float]
    """For several labels: the least probability at which each label is given."""
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
