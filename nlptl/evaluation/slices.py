"""Parts of the rows, such as those of one label or the longest quarter, each compared with all other rows.

Whether a part differs is tested by permutation: if it does not, any rows could be the part (Good 2005, "Permutation,
Parametric and Bootstrap Tests of Hypotheses", section 3.2). As many parts are compared, their p-values are corrected
after Holm 1979.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import stats  # type: ignore[import-untyped]

from nlptl.core.records import Interval
from nlptl.evaluation.intervals import wilson
from nlptl.evaluation.ratios import Floats
from nlptl.evaluation.views import Graded

Rows = npt.NDArray[np.int64]
LEVEL = 0.05
N_DRAWN, MOST_DRAWN = 9999, 500
"""Permutations, and the most rows of a part that are drawn for them; for larger parts the sum of the drawn rows is
normally distributed."""
N_AT_ONCE = 2**20  # numbers drawn at once: 8 MiB
FEW = 500  # rows that are ordered whole; of more only the first are drawn
LEAST_ROWS, MOST_VALUES = 3, 20
"""Rows of a part, and parts of a column that are compared; the largest ones."""
NUMERIC_VALUES = 8
"""A column with more different numbers than this is divided into quarters."""


@dataclass(frozen=True)
class Part:
    """Some of the rows."""

    column: str
    """By what rows are divided, such as "label"."""
    value: str
    """What these rows have in common."""
    rows: Rows
    """Their indices, ascending."""


@dataclass(frozen=True)
class Slice:
    """A part of the rows with its metric."""

    column: str
    value: str
    n: int
    score: Interval
    rest: float | None
    """The metric on all other rows; None if there are none."""
    p: float | None = None
    """Probability of so large a difference if the part is like the other rows, corrected after Holm."""

    @property
    def differs(self) -> bool:
        """Whether the part differs from the other rows after the correction."""
        return self.p is not None and self.p < LEVEL


def quarters(column: str, values: Sequence[float]) -> list[Part]:
    """Returns the rows divided at the quartiles of their numbers; fewer parts if many numbers are equal.

    Args:
        column: name of the numbers.
        values: one a row; NaN if a row has none.
    """
    numbers = np.asarray(values, np.float64)
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return []
    ends = np.unique(np.quantile(known, [0.25, 0.5, 0.75, 1.0], method="inverted_cdf"))
    place = np.searchsorted(ends, numbers)  # the first end that is not below; NaN comes after the last
    parts = []
    for i, end in enumerate(ends):
        rows = np.flatnonzero(place == i)
        first = numbers[rows].min()
        name = f"{first:,.6g}" if first == end else f"{first:,.6g} to {end:,.6g}"
        parts.append(Part(column, name, rows))
    return parts


def named(column: str, names: Sequence[Sequence[str]]) -> list[Part]:
    """Returns the rows of each name, the most frequent names first.

    Args:
        column: by what rows are divided.
        names: names of each row, any number.
    """
    by_name: dict[str, list[int]] = {}
    for i, own in enumerate(names):
        for name in dict.fromkeys(own):
            by_name.setdefault(name, []).append(i)
    ranked = sorted(by_name.items(), key=lambda item: -len(item[1]))
    return [Part(column, name, np.array(rows)) for name, rows in ranked]


def of_column(column: str, values: Sequence[object]) -> list[Part]:
    """Returns the rows divided by a column of the data: numbers into quarters, else by value.

    Args:
        column: its name.
        values: one a row; None and blank texts are one value, "(none)".
    """
    texts = ["" if value is None else str(value).strip() for value in values]
    if len(set(texts)) > NUMERIC_VALUES:
        numbers = [_number(text) for text in texts]
        if all(math.isfinite(number) for number, text in zip(numbers, texts, strict=True) if text):
            return quarters(column, numbers)
    return named(column, [(text or "(none)",) for text in texts])


def compared(graded: Graded, parts: Sequence[Part], seed: int) -> list[Slice]:
    """Returns the metric of each part and whether it differs from the other rows, the worst first.

    Parts of fewer than three rows, or without anything to measure, are left out; of a column only the twenty largest
    parts are compared.

    Args:
        graded: all rows.
        parts: they may overlap.
        seed: of the permutations.
    """
    shown = [part for part in _shown(parts) if graded.below[part.rows].any()]
    found = [_slice(graded, part) for part in shown]
    tested = [i for i, one in enumerate(found) if one.rest is not None]
    for i, p in zip(tested, holm(p_values(graded, [shown[i].rows for i in tested], seed)), strict=True):
        found[i] = replace(found[i], p=p)
    sign = 1 if graded.greater_is_better else -1
    return sorted(found, key=lambda one: sign * one.score.value)


def p_values(graded: Graded, parts: Sequence[Rows], seed: int) -> list[float]:
    """Returns for each part the share of random parts of its size that differ at least as much, in either direction.

    The statistic is the sum over the part of above - R * below, with R the metric of all rows; it is 0 on average.

    Args:
        graded: all rows.
        parts: row indices; each leaves at least one row out.
        seed: of the random parts.
    """
    distance = graded.above - _ratio(graded.above, graded.below) * graded.below
    n, tolerance = len(distance), 1e-9 * np.abs(distance).sum()
    sums = [abs(float(distance[rows].sum())) for rows in parts]
    sizes = [min(len(rows), n - len(rows)) for rows in parts]  # the other rows sum to the same, negated
    small = [i for i, size in enumerate(sizes) if size <= MOST_DRAWN]
    spread = float(distance.var()) / max(n - 1, 1)
    p = [
        2 * float(stats.norm.sf(total / math.sqrt(spread * size * (n - size)))) if spread else 1.0
        for total, size in zip(sums, sizes, strict=True)
    ]
    n_as_far = np.zeros(len(small))
    for drawn in _drawn_sums(distance, max([sizes[i] for i in small], default=0), seed):
        n_as_far += [np.sum(np.abs(drawn[:, sizes[i] - 1]) >= sums[i] - tolerance) for i in small]
    for i, count in zip(small, n_as_far, strict=True):
        p[i] = float((1 + count) / (1 + N_DRAWN))
    return p


def holm(p: Sequence[float]) -> list[float]:
    """Returns p-values corrected for their number, in the same order.

    Holm 1979, "A simple sequentially rejective multiple test procedure": the k-th smallest of m is multiplied by
    m - k + 1; none is smaller than the one before it, or larger than 1.

    Args:
        p: the p-values.
    """
    order = np.argsort(p, kind="stable")
    scaled = np.asarray(p)[order] * np.arange(len(p), 0, -1)
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return [float(value) for value in corrected]


def interval(graded: Graded, rows: Rows) -> Interval:
    """Returns the metric on some rows with its 95 % interval.

    Wilson's for a share of rows; else value +- t * s / sqrt(n), with the variance of a ratio (Cochran 1977, "Sampling
    Techniques", equation 6.13). If all rows are alike, which says little if they are few, a share has Wilson's too.

    Args:
        graded: all rows.
        rows: indices, at least one.
    """
    above, below, n = graded.above[rows], graded.below[rows], len(rows)
    value = _ratio(above, below)
    distance = above - value * below
    alike = not np.any(np.abs(distance) > 1e-12)
    if graded.is_share and (alike or (np.all(below == 1) and np.all((above == 0) | (above == 1)))):
        return wilson(value * n, n)
    if n < 2:
        return Interval(value, value, value)
    half = float(stats.t.ppf(0.975, n - 1) * distance.std(ddof=1) / (math.sqrt(n) * below.mean()))
    return Interval(value, max(0.0, value - half), min(1.0, value + half) if graded.is_share else value + half)


def sizes(parts: Sequence[Part]) -> Mapping[str, tuple[int, int]]:
    """Returns for each column how many parts there are, and how many of them `compared` shows."""
    shown = [part.column for part in _shown(parts)]
    return {column: (sum(p.column == column for p in parts), shown.count(column)) for column in _columns(parts)}


def _shown(parts: Sequence[Part]) -> list[Part]:
    shown = []
    for column in _columns(parts):
        own = [part for part in parts if part.column == column and len(part.rows) >= LEAST_ROWS]
        shown += sorted(own, key=lambda part: -len(part.rows))[:MOST_VALUES]
    return shown


def _columns(parts: Sequence[Part]) -> list[str]:
    return list(dict.fromkeys(part.column for part in parts))


def _slice(graded: Graded, part: Part) -> Slice:
    others = np.ones(len(graded.above), bool)
    others[part.rows] = False
    rest = _ratio(graded.above[others], graded.below[others]) if others.any() else None
    return Slice(part.column, part.value, len(part.rows), interval(graded, part.rows), rest)


def _drawn_sums(distance: Floats, most: int, seed: int) -> Iterator[Floats]:
    """Yields sums over the first 1, 2, ..., `most` of randomly ordered rows, in blocks of (draws, most)."""
    random, n = np.random.default_rng(seed), len(distance)
    at_once = max(1, N_AT_ONCE // max(n if n <= FEW else most, 1))
    for start in range(0, N_DRAWN if most else 0, at_once):
        shape = (min(at_once, N_DRAWN - start), n)
        if n <= FEW:
            drawn = random.permuted(np.broadcast_to(distance, shape), axis=1)[:, :most]
        else:
            drawn = distance[np.stack([random.choice(n, most, replace=False) for _ in range(shape[0])])]
        yield np.cumsum(drawn, axis=1)


def _ratio(above: Floats, below: Floats) -> float:
    total = float(below.sum())
    return float(above.sum()) / total if total else 0.0


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
