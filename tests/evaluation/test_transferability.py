"""LogME against the evidence that a search finds, the H-score against its definition, cross-validated probes."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal
from sklearn.covariance import LedoitWolf

from nlptl.evaluation import transferability


def drawn(n=40, hidden=6, seed=0, signal=2.0):
    random = np.random.default_rng(seed)
    classes = random.integers(0, 3, n)
    means = random.normal(size=(3, hidden)) * signal
    return means[classes] + random.normal(size=(n, hidden)), classes


@pytest.mark.parametrize("hidden", [3, 6, 60])
def test_log_me_is_the_largest_evidence_of_a_linear_model(hidden):
    vectors, classes = drawn(hidden=hidden)
    target = (classes == 1).astype(float)

    def minus(logs):
        alpha, beta = np.exp(logs)
        covariance = np.eye(len(target)) / beta + vectors @ vectors.T / alpha
        return -multivariate_normal(np.zeros(len(target)), covariance).logpdf(target) / len(target)

    found = min(minimize(minus, start, method="Nelder-Mead").fun for start in ([0.0, 0.0], [2.0, 2.0]))
    assert transferability.log_me(vectors, target[:, None]) == pytest.approx(-found, abs=2e-3)


def test_log_me_of_several_targets_is_their_mean():
    vectors, classes = drawn()
    columns = np.eye(3)[classes]
    alone = [transferability.log_me(vectors, column[:, None]) for column in columns.T]
    assert transferability.log_me(vectors, columns) == pytest.approx(np.mean(alone))


def test_the_h_score_is_the_share_of_variance_between_classes():
    vectors, classes = drawn(n=200)
    centred = vectors - vectors.mean(axis=0)
    fitted = LedoitWolf(assume_centered=True).fit(centred)
    means = np.stack([centred[classes == c].mean(axis=0) for c in classes])
    expected = (1 - fitted.shrinkage_) * np.trace(np.linalg.inv(fitted.covariance_) @ np.cov(means.T, bias=True))
    assert transferability.h_score(vectors, classes) == pytest.approx(expected)
    assert 1.0 < expected < 2.0  # two directions separate three classes


@pytest.mark.parametrize("measure", ["log_me", "h_score", "probed", "by_neighbours"])
def test_vectors_that_tell_classes_apart_are_worth_more_than_noise(measure):
    (good, classes), (noise, _) = drawn(n=120), drawn(n=120, seed=5, signal=0.0)
    if measure == "log_me":
        a, b = (transferability.log_me(own, np.eye(3)[classes]) for own in (good, noise))
    elif measure == "h_score":
        a, b = (transferability.h_score(own, classes) for own in (good, noise))
    else:
        said = getattr(transferability, measure)
        a, b = (np.mean(said(own, classes.astype(str), seed=0) == classes.astype(str)) for own in (good, noise))
        assert b < 0.5
    assert a > b + 0.2


def test_a_probe_does_not_see_the_row_that_it_judges():
    random = np.random.default_rng(0)
    vectors, classes = random.normal(size=(60, 200)), random.integers(0, 2, 60).astype(str)
    assert np.mean(transferability.probed(vectors, classes, seed=0) == classes) < 0.75  # 200 weights fit any 60 labels


@pytest.mark.parametrize("measure", [transferability.probed, transferability.by_neighbours])
def test_numbers_are_predicted_as_numbers(measure):
    vectors = np.random.default_rng(0).normal(size=(200, 3))
    numbers = vectors @ [1.0, -2.0, 0.5]
    assert np.corrcoef(measure(vectors, numbers, seed=0), numbers)[0, 1] > 0.8


def test_a_class_with_one_row_is_no_obstacle():
    vectors, classes = drawn(n=30)
    names = np.where(np.arange(30) == 0, "rare", classes.astype(str)).astype(object)
    assert len(transferability.probed(vectors, names, seed=0)) == 30
