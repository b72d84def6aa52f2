"""Reliability: equally filled bins, the expected calibration error, accuracy by coverage."""

import numpy as np
import pytest
from scipy import stats

from nlptl.evaluation import reliability


@pytest.fixture
def stated():
    """500 probabilities, and what came true, too seldom."""
    random = np.random.default_rng(0)
    p = random.random(500)
    return p, random.random(500) < p**2


def test_bins_hold_equally_many_in_ascending_order(stated):
    p, true = stated
    found = reliability.bins(p, true)
    assert [b.n for b in found] == [34] * 5 + [33] * 10
    ranked = sorted(zip(p, true, strict=True))
    place = 0
    for one in found:
        own = ranked[place : place + one.n]
        place += one.n
        assert one.stated == pytest.approx(np.mean([a for a, _ in own]))
        assert one.true.value == pytest.approx(np.mean([b for _, b in own]))
        expected = stats.binomtest(sum(b for _, b in own), one.n).proportion_ci(method="wilson")
        assert one.true.low == pytest.approx(expected.low)


def test_the_expected_error_is_the_mean_distance_weighted_by_rows(stated):
    found = reliability.bins(*stated)
    by_hand = sum(b.n / 500 * abs(b.stated - b.true.value) for b in found)
    assert reliability.expected_error(found) == pytest.approx(by_hand)
    assert by_hand > 0.1


def test_true_probabilities_have_a_small_error():
    random = np.random.default_rng(1)
    p = random.random(20000)
    assert reliability.expected_error(reliability.bins(p, random.random(20000) < p)) < 0.015


@pytest.mark.parametrize(("n", "n_bins"), [(1, 1), (3, 1), (25, 2), (149, 14), (10_000, 15)])
def test_few_rows_have_few_bins(n, n_bins):
    assert len(reliability.bins(np.linspace(0, 1, n), np.ones(n, bool))) == n_bins


def test_coverage_keeps_the_most_probable_first():
    share, accuracy = reliability.coverage(np.array([0.6, 0.9, 0.8, 0.7]), np.array([False, True, True, False]))
    assert share.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert accuracy.tolist() == [1.0, 1.0, pytest.approx(2 / 3), 0.5]


def test_equal_probabilities_are_kept_together():
    share, accuracy = reliability.coverage(np.array([0.5, 0.5, 0.9, 0.5]), np.array([True, False, True, True]))
    assert (share.tolist(), accuracy.tolist()) == ([0.25, 1.0], [1.0, 0.75])


def test_a_long_curve_keeps_its_ends(stated):
    share, accuracy = reliability.coverage(*stated)
    assert len(share) <= reliability.N_COVERAGES
    assert (share[0], share[-1]) == (1 / 500, 1.0)
    assert accuracy[-1] == stated[1].mean()
