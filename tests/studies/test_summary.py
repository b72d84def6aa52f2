"""Means over seeds, Pareto fronts and learning curves of cells made by hand."""

import math

import numpy as np
import pytest
import scipy.stats

from nlptl.core.records import Interval
from nlptl.core.study import COSTS, CellDone
from nlptl.studies.summary import groups, growth, mean_over_seeds


def cell(method, seed, score, label_count=None, status="succeeded", **costs):
    values = dict.fromkeys(COSTS, 1.0) | costs
    interval = None if score is None else Interval(score, score - 0.1, score + 0.1)
    return CellDone(f"{method}{seed}", method, "bert", label_count, seed, status, None, interval, **values)


def test_the_interval_of_a_mean_is_students():
    values = [0.5, 0.6, 0.8, 0.65]
    found = mean_over_seeds([Interval(v, 0, 1) for v in values])
    low, high = scipy.stats.t.interval(0.95, 3, loc=np.mean(values), scale=scipy.stats.sem(values))
    assert (found.value, found.low, found.high) == pytest.approx((np.mean(values), low, high))
    assert mean_over_seeds([Interval(0.5, 0.4, 0.7)]) == Interval(0.5, 0.4, 0.7)
    two = mean_over_seeds([Interval(0.5, 0.4, 0.7), Interval(0.6, 0.4, 0.7)])
    assert two.value == pytest.approx(0.55)
    assert math.isnan(two.low)


def test_failed_runs_are_counted_and_left_out_of_means():
    (found,) = groups(
        [cell("a", 0, 0.5), cell("a", 1, None, status="failed"), cell("a", 2, 0.7)], greater_is_better=True
    )
    assert (found.n_seeds, found.n_failed) == (2, 1)
    assert found.score.value == pytest.approx(0.6)
    (none,) = groups([cell("a", 0, None, status="failed")], greater_is_better=True)
    assert (none.score, none.front) == (None, ())


def fronts(cells, *, greater_is_better=True):
    return {g.method: set(g.front) for g in groups(cells, greater_is_better=greater_is_better)}


def test_the_front_is_what_no_other_beats_by_brute_force():
    random = np.random.default_rng(0)
    values = random.integers(0, 6, (12, 2)).astype(float)
    cells = [cell(f"m{i:02}", 0, score, train_s=price) for i, (score, price) in enumerate(values)]
    found = fronts(cells)
    for i, (score, price) in enumerate(values):
        beaten = any((s >= score and p <= price) and (s > score or p < price) for s, p in values)
        assert ("train_s" in found[f"m{i:02}"]) == (not beaten)


def test_smaller_may_be_better_and_other_numbers_of_labels_do_not_compete():
    cells = [cell("a", 0, 0.2, trained=5), cell("b", 0, 0.4, trained=6)]
    assert "trained" not in fronts(cells, greater_is_better=False)["b"]
    assert "trained" in fronts(cells)["b"]
    cells = [cell("a", 0, 0.9, 8, trained=1), cell("b", 0, 0.5, 64, trained=2)]
    assert set(fronts(cells)["b"]) == set(COSTS)


def test_learning_curves_need_three_numbers_of_labels():
    cells = [cell("a", s, 0.9 - 0.5 * n**-0.5 + 0.001 * s, n) for n in (8, 16, 64) for s in (0, 1)]
    (found,) = growth(cells, greater_is_better=True)
    assert found.c == pytest.approx(0.5, rel=0.05)
    assert found.doubled.low <= found.doubled.value <= found.doubled.high
    assert growth(cells[:4], greater_is_better=True) == ()
    (flat,) = growth([cell("a", 0, 0.5, n) for n in (8, 16, 64)], greater_is_better=True)
    assert (flat.a, flat.doubled) == (None, None)
    assert "do not rise" in flat.reason
