"""Divides the rows of a single split."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nlptl.data.splits import divide


class Division(NamedTuple):
    """A division of examples into parts."""

    parts: dict[str, list[int]]
    """Positions of the examples in each part, ascending."""
    how: str
    """How the rows were divided, for the note: "stratified by label"."""
    needs: str
    """What each part needs, for the message if one is empty."""


def stratified(names: Sequence[Sequence[str]], shares: Mapping[str, float], seed: int, how: str) -> Division:
    """Returns a division in which each name has the same share in every part.

    A row with several names counts for its rarest one; rows with a name that train would lack are moved to train.

    Args:
        names: the names of each row; rows without any are divided at random.
        shares: the share of all rows, from 0 to 1, for each part except train.
        seed: the same seed gives the same parts.
        how: how the rows are divided, for the note.
    """
    parts = _known_in_train(divide(rarest(names), shares, seed), names)
    needs = "three or more rows of a label" if any(names) else "three or more rows"
    return Division(parts, how, needs)


def rarest(names: Sequence[Sequence[str]]) -> list[str]:
    """Returns the rarest name of each row, empty for a row without names."""
    counts = Counter(name for row in names for name in row)
    return [min(row, key=lambda name: (counts[name], name), default="") for row in names]


def _known_in_train(parts: Mapping[str, list[int]], names: Sequence[Sequence[str]]) -> dict[str, list[int]]:
    known = {name for position in parts["train"] for name in names[position]}
    back = {i for part, rows in parts.items() if part != "train" for i in rows if not known.issuperset(names[i])}
    kept = {part: [i for i in rows if i not in back] for part, rows in parts.items()}
    return {**kept, "train": sorted([*parts["train"], *back])}
