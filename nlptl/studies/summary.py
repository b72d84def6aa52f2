"""Means over seeds, the Pareto front, and learning curves of the runs of a study."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from nlptl.core.records import Interval
from nlptl.core.study import COSTS, CellDone, Group, Growth
from nlptl.evaluation.learning_curve import LEAST_COUNTS, learning_curve


def groups(cells: Sequence[CellDone], *, greater_is_better: bool) -> tuple[Group, ...]:
    """Returns the means over seeds, in the order of the cells, with the Pareto fronts.

    Args:
        cells: the runs of a study; those with the same method, model and number of labels follow each other.
        greater_is_better: whether larger scores are better.
    """
    every = [_group(some) for some in _apart(cells)]
    sign = 1 if greater_is_better else -1
    return tuple(
        replace(one, front=tuple(cost for cost in COSTS if _is_on_front(one, every, cost, sign))) for one in every
    )


def growth(cells: Sequence[CellDone], *, greater_is_better: bool) -> tuple[Growth, ...]:
    """Returns the learning curve of each method and model; none if the study has fewer than three numbers of labels.

    Args:
        cells: the runs of a study.
        greater_is_better: whether larger scores are better.
    """
    if len({cell.label_count for cell in cells} - {None}) < LEAST_COUNTS:
        return ()
    result = []
    for method, model in dict.fromkeys((cell.method, cell.model) for cell in cells):
        scores: dict[int, list[float]] = {}
        for cell in cells:
            if (cell.method, cell.model) == (method, model) and cell.score and cell.label_count is not None:
                scores.setdefault(cell.label_count, []).append(cell.score.value)
        found = learning_curve(scores, greater_is_better=greater_is_better, seed=0)
        law = found.law._asdict() if found.law else {}
        own = {"largest": found.largest, "doubled": found.doubled, "reason": found.reason}
        result.append(Growth(method, model, **law, **own))  # type: ignore[arg-type]
    return tuple(result)


def mean_over_seeds(scores: Sequence[Interval]) -> Interval:
    """Returns the mean with its 95 % interval by Student's t.

    One score keeps its own interval. Two have none (NaN): t would make it 13 times as wide as their standard error.

    Args:
        scores: of runs that differ in the seed alone, at least one.
    """
    if len(scores) == 1:
        return scores[0]
    from scipy.stats import t  # type: ignore[import-untyped]

    values = np.array([score.value for score in scores])
    if len(values) == 2:
        return Interval(float(values.mean()), math.nan, math.nan)
    half = float(t.ppf(0.975, len(values) - 1)) * float(values.std(ddof=1)) / math.sqrt(len(values))
    mean = float(values.mean())
    return Interval(mean, mean - half, mean + half)


def _apart(cells: Sequence[CellDone]) -> Iterator[list[CellDone]]:
    for _, some in groupby(cells, key=lambda cell: (cell.method, cell.model, cell.label_count)):
        yield list(some)


def _group(cells: Sequence[CellDone]) -> Group:
    done = [cell for cell in cells if cell.status == "succeeded"]
    scores = [cell.score for cell in done if cell.score is not None]
    return Group(
        cells[0].method,
        cells[0].model,
        cells[0].label_count,
        len(done),
        sum(cell.status == "failed" for cell in cells),
        mean_over_seeds(scores) if scores else None,
        *(_mean([getattr(cell, cost) for cell in done]) for cost in COSTS),  # type: ignore[arg-type]
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _is_on_front(one: Group, every: Sequence[Group], cost: str, sign: int) -> bool:
    """Returns whether no group with as many labels is at least as good for no more, and better in one of the two."""
    own = getattr(one, cost)
    if one.score is None or own is None:
        return False
    for other in every:
        price = getattr(other, cost)
        if other.label_count != one.label_count or other.score is None or price is None:
            continue
        gain = sign * (other.score.value - one.score.value)
        if gain >= 0 and price <= own and (gain > 0 or price < own):
            return False
    return True
