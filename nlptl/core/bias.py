"""How a model treats groups of rows, and texts in which words are swapped, as records."""

from __future__ import annotations

from dataclasses import dataclass

from nlptl.core.records import Interval


@dataclass(frozen=True)
class Group:
    """The rows with one value of the column."""

    name: str
    n: int
    score: Interval


@dataclass(frozen=True)
class Gap:
    """The difference between the best and the worst group, of those with enough rows."""

    best: str
    worst: str
    difference: Interval
    """Score of the best group minus that of the worst; rows of each are resampled on their own."""
    p: float
    """How often a gap as large comes from chance alone: p-value of a permutation test of the groups."""


@dataclass(frozen=True)
class Groups:
    """The score by group of a column."""

    column: str
    metric: str
    groups: tuple[Group, ...]
    """The largest first."""
    gap: Gap | None
    """None if fewer than two groups have enough rows."""
    least: int
    """Rows that a group needs for the gap."""


@dataclass(frozen=True)
class Flip:
    """A row whose prediction is another one after the swap."""

    row_id: int
    text: str
    swapped: str
    """The text after the swap; of pairs both texts, joined by a bar."""
    before: str
    """The prediction for the text as it is."""
    after: str


@dataclass(frozen=True)
class Swaps:
    """What changes when words are swapped."""

    words: dict[str, str]
    n: int
    """Rows that contain a word of the list."""
    n_all: int
    """All rows."""
    by_word: dict[str, int]
    """Rows that contain each word; words that occur in none are left out."""
    flipped: Interval | None
    """Share of the n rows whose prediction changes (Wilson 1927); None if there are no such rows."""
    moved: Interval | None
    """Mean absolute change of the score of the label that was predicted before; None without rows or scores."""
    by_label: dict[str, Interval]
    """Mean change of each label's score, after the swap minus before."""
    flips: tuple[Flip, ...]
    """Some of the rows that flip, those whose score changes most first."""
