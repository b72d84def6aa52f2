"""The power law of scores over numbers of labels: found again if it is there, and refused if it is not."""

import numpy as np
import pytest
from scipy.optimize import curve_fit

from nlptl.evaluation.learning_curve import Law, learning_curve

TRUTH = Law(0.9, 0.6, 0.5)
COUNTS = (8, 16, 32, 64, 128)


def noisy(scale, n_seeds=3, seed=0, sign=1):
    random = np.random.default_rng(seed)
    return {n: (sign * TRUTH.at(n) + random.normal(0, scale, n_seeds)).tolist() for n in COUNTS}


def test_the_law_that_made_the_scores_is_found():
    curve = learning_curve(noisy(0.0), greater_is_better=True, seed=0)
    assert curve.law == pytest.approx(TRUTH, rel=5e-3)
    assert curve.largest == 128
    assert curve.doubled.value == pytest.approx(TRUTH.at(256) - TRUTH.at(128), rel=5e-3)


def test_three_numbers_of_labels_are_fitted_exactly():
    scores = {n: [TRUTH.at(n)] for n in COUNTS[:3]}
    curve = learning_curve(scores, greater_is_better=True, seed=0)
    assert curve.law == pytest.approx(TRUTH, rel=5e-3)
    assert curve.doubled.low == curve.doubled.value == curve.doubled.high


@pytest.mark.parametrize("seed", range(4))
def test_the_law_is_the_least_squares_fit_of_scipy(seed):
    scores = noisy(0.01, seed=seed)
    means = [np.mean(scores[n]) for n in COUNTS]
    theirs, _ = curve_fit(lambda n, a, b, c: a - b * n**-c, np.array(COUNTS, float), means, (0.9, 0.5, 0.5))
    ours = learning_curve(scores, greater_is_better=True, seed=0).law
    assert [ours.at(n) for n in COUNTS] == pytest.approx([Law(*theirs).at(n) for n in COUNTS], abs=1e-4)


def test_errors_that_fall_are_a_law_too():
    scores = {n: [0.1 + 0.6 * n**-0.5] for n in COUNTS}
    curve = learning_curve(scores, greater_is_better=False, seed=0)
    assert [curve.law.at(n) for n in COUNTS] == pytest.approx([values[0] for values in scores.values()], rel=5e-3)
    assert curve.doubled.value < 0
    assert curve.doubled.low <= curve.doubled.value <= curve.doubled.high


def test_the_interval_covers_what_doubling_brings():
    truth = TRUTH.at(256) - TRUTH.at(128)
    found = [learning_curve(noisy(0.01, 8, i), greater_is_better=True, seed=0).doubled for i in range(60)]
    assert np.mean([gain.low <= truth <= gain.high for gain in found if gain]) >= 0.85


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        ({8: [0.5], 16: [0.6]}, "3 numbers of labels are needed, found 2"),
        ({8: [0.5], 16: [0.6], 32: []}, "found 2"),
        ({8: [0.9], 16: [0.8], 32: [0.7]}, "do not rise"),
        ({8: [0.5], 16: [0.5], 32: [0.5]}, "do not rise"),
        ({8: [0.5], 16: [0.6], 32: [0.9]}, "do not rise along a curve that flattens"),
        ({8: [0.5], 16: [0.9], 32: [0.9001]}, "do not rise along a curve that flattens"),
    ],
)
def test_what_cannot_be_fitted_is_said(scores, reason):
    curve = learning_curve(scores, greater_is_better=True, seed=0)
    assert curve.law is None
    assert reason in curve.reason
