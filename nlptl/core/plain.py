"""Dictionaries that go into files as they are."""

from typing import NotRequired, TypedDict


class Decision(TypedDict, total=False):
    """What was tuned on validation and is part of the model; empty if the kind of answers decides nothing."""

    thresholds: dict[str, float]
    """Of several labels: probability from which each is given."""
    no_answer: float
    """Of spans: the `no_answer_margin` above which no answer is given."""


class Span(TypedDict):
    """A piece of the user's text: an entity, or a likely answer."""

    text: str
    label: NotRequired[str]
    """The type of an entity."""
    start: int
    """Its first character."""
    end: int
    score: float
