"""How a score grows with the number of labels: a power law, fitted to scores at several numbers.

Hestness et al. 2017, "Deep learning scaling is predictable, empirically", equation 1, written for scores: a - b n^-c.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from nlptl.core.records import Interval
from nlptl.evaluation.intervals import PERCENTILES
from nlptl.evaluation.ratios import Floats

LEAST_COUNTS = 3
"""Of labels: the law has three parameters."""
POWERS = np.geomspace(0.01, 2, 2_000)
"""Values of c that are tried, 0.3 % apart: flatter curves are lines, steeper ones are steps. For each c, the best a and
b are a linear regression."""
N_BOOTSTRAP, LEAST_FITTED = 1_000, 0.5
"""Resamples, and the share of them that must be fitted for an interval."""


class Law(NamedTuple):
    """The law a - b n^-c."""

    a: float
    b: float
    c: float

    def at(self, n: float) -> float:
        """Returns the score at n labels."""
        return self.a - self.b * float(n**-self.c)


@dataclass(frozen=True)
class Curve:
    """The fitted law and what it promises, or why there is none."""

    law: Law | None = None
    largest: int | None = None
    """The largest number of labels that was measured."""
    doubled: Interval | None = None
    """What twice as many labels would add to the score; with one seed for each number the interval is a point, and it
    is infinite if most resamples have no law."""
    reason: str | None = None
    """Why no law could be fitted."""


def learning_curve(scores: Mapping[int, Sequence[float]], *, greater_is_better: bool, seed: int) -> Curve:
    """Returns the power law of scores over numbers of labels.

    The interval is a bootstrap over seeds: of each number's scores as many are drawn with replacement, and the law is
    fitted anew.

    Args:
        scores: by number of labels, one for each seed.
        greater_is_better: whether larger scores are better.
        seed: of the resamples.
    """
    counts = sorted(n for n, values in scores.items() if len(values))
    if len(counts) < LEAST_COUNTS:
        return Curve(reason=f"{LEAST_COUNTS} numbers of labels are needed, found {len(counts)}")
    sign = 1 if greater_is_better else -1
    own = [sign * np.asarray(scores[n], np.float64) for n in counts]
    means = np.array([[values.mean() for values in own]])
    laws = _fitted(counts, means)
    if not laws:
        return Curve(reason="the scores do not rise along a curve that flattens")
    random, largest = np.random.default_rng(seed), counts[-1]
    drawn = [random.choice(values, (N_BOOTSTRAP, len(values))).mean(1) for values in own]
    gains = [_gain(law, largest) for law in _fitted(counts, np.stack(drawn, axis=1))]
    gain = _gain(laws[0], largest)
    low, high = np.percentile(gains, PERCENTILES) if len(gains) >= LEAST_FITTED * N_BOOTSTRAP else (-np.inf, np.inf)
    ends = sorted((sign * min(gain, float(low)), sign * max(gain, float(high))))
    a, b, c = laws[0]
    return Curve(Law(sign * a, sign * b, c), largest, Interval(sign * gain, *ends))


def _gain(law: Law, n: int) -> float:
    return law.at(2 * n) - law.at(n)


def _fitted(counts: Sequence[int], means: Floats) -> list[Law]:
    """Returns the laws with the least squared error, leaving out means that do not rise along a curve that flattens.

    Args:
        counts: numbers of labels, ascending, (k,).
        means: scores, (fits, k).
    """
    n = np.asarray(counts, np.float64) / counts[0]
    x = n ** -POWERS[:, None]  # (powers, k)
    from_mean, centred = x - x.mean(1, keepdims=True), means - means.mean(1, keepdims=True)
    products, squares = centred @ from_mean.T, (from_mean**2).sum(1)  # (fits, powers), (powers,)
    explained = np.where(products < 0, products**2 / squares, -1.0)
    best = explained.argmax(1)
    rows = np.flatnonzero((explained.max(1) > 0) & (best > 0) & (best < len(POWERS) - 1))
    laws = []
    for row in rows:
        i, c = best[row], float(POWERS[best[row]])
        b = -float(products[row, i] / squares[i])
        laws.append(Law(float(means[row].mean() + b * x[i].mean()), b * counts[0] ** c, c))
    return laws
