"""What changes when words of the texts are swapped."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nlptl.core.records import Interval
from nlptl.evaluation import measures
from nlptl.evaluation.confusion import check_rows
from nlptl.evaluation.intervals import Resampling
from nlptl.evaluation.rows import Rows


class Flips(NamedTuple):
    """What changes in some rows."""

    flipped: Interval | None
    """Share of rows whose prediction changes; None if there are no rows."""
    moved: Interval | None
    """Mean absolute change of the score of the label that was predicted before; None without rows or scores."""
    by_label: dict[str, Interval]
    """Mean change of each label's score; empty without rows or scores."""
    order: list[int]
    """The rows that flip, those whose score changes most first."""


def flips(before: Rows, after: Rows, resampling: Resampling) -> Flips:
    """Returns how predictions and scores change.

    Args:
        before: predictions for texts as they are, one label each.
        after: predictions for the same rows with other texts.
        resampling: for the intervals of scores; the same rows are drawn for all.

    Raises:
        InputError: the numbers of rows differ.
    """
    n = len(before.decisions)
    if n == 0 == len(after.decisions):
        return Flips(None, None, {}, [])
    check_rows(n, len(after.decisions))
    flipped = np.array([a != b for a, b in zip(before.decisions, after.decisions, strict=True)])
    share = _wilson(int(flipped.sum()), n)
    if before.scores is None or after.scores is None:
        return Flips(share, None, {}, np.flatnonzero(flipped).tolist())
    changes, names = after.scores - before.scores, before.labels.names
    moved = np.abs(changes[np.arange(n), _places(before.decisions, names)])
    measured = {name: measures.mean(changes[:, i]) for i, name in enumerate(names)}
    found = measures.intervals(measured | {"": measures.mean(moved)}, n, resampling)
    order = [int(row) for row in np.argsort(-moved, kind="stable") if flipped[row]]
    return Flips(share, found.pop(""), found, order)


def _places(decisions: Sequence[str], names: Sequence[str]) -> list[int]:
    ids = {name: i for i, name in enumerate(names)}
    return [ids[name] for name in decisions]


def _wilson(n_hits: int, n: int) -> Interval:
    """Returns a share with its 95 % interval (Wilson 1927), which is no point if the share is 0 or 1."""
    from scipy.stats import binomtest  # type: ignore[import-untyped]

    ends = binomtest(n_hits, n).proportion_ci(method="wilson")
    return Interval(n_hits / n, float(ends.low), float(ends.high))
