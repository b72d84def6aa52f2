"""How the examples of a lone split are divided, by the kind of their labels."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nlptl.core.records import Example, Output
from nlptl.data.labels import names_in
from nlptl.data.splits import divide, divide_groups


class Division(NamedTuple):
    """The parts of some examples."""

    parts: dict[str, list[int]]
    """Positions of each part, ascending."""
    how: str
    """For the note: "stratified by label"."""
    needs: str
    """What each part takes, for the message where one stays empty."""


def division(output: Output | None, examples: Sequence[Example], shares: Mapping[str, float], seed: int) -> Division:
    """Returns the parts: of questions by whole contexts, else stratified by label where rows have names.

    Rows with several names are stratified by the rarest of them; names that only held-out rows got come back to train.

    Args:
        output: the kind of label.
        examples: the rows.
        shares: the share of all rows, from 0 to 1, for each part besides train.
        seed: the same seed gives the same parts.
    """
    if output == "span":
        contexts = [(e.text_pair or "").strip() for e in examples]
        parts = divide_groups(contexts, shares, seed)
        return Division(parts, "whole contexts, none in two splits", "a context of its own")
    names = [names_in(e.label, output) for e in examples]
    rarest = {"classes": "stratified by each row's rarest label", "tags": "stratified by each row's rarest entity type"}
    parts = _known_in_train(divide(_rarest(names), shares, seed), names)
    how = "stratified by label" if output == "class" else rarest.get(str(output), "at random")
    needs = "three or more rows of a label" if any(names) else "three or more rows"
    return Division(parts, how, needs)


def _rarest(names: Sequence[Sequence[str]]) -> list[str]:
    counts = Counter(name for row in names for name in row)
    return [min(row, key=lambda name: (counts[name], name), default="") for row in names]


def _known_in_train(parts: Mapping[str, list[int]], names: Sequence[Sequence[str]]) -> dict[str, list[int]]:
    known = {name for position in parts["train"] for name in names[position]}
    back = {i for part, rows in parts.items() if part != "train" for i in rows if not known.issuperset(names[i])}
    kept = {part: [i for i in rows if i not in back] for part, rows in parts.items()}
    return {**kept, "train": sorted([*parts["train"], *back])}
