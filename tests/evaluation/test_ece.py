"""Expected calibration error against brute force: every row divided into 15 parts, bins cut by slicing."""

import numpy as np
import pytest

from nlptl import evaluation
from nlptl.core.records import LabelSpace, Prediction

SPACE = LabelSpace(("a", "b", "c"))


def rows(n, seed=0, digits=None):
    """Returns labels, predictions, and for each row its score and whether it is correct."""
    random = np.random.default_rng(seed)
    scores = random.dirichlet((1, 1, 1), n) if digits is None else np.round(random.dirichlet((1, 1, 1), n), digits)
    own, right = scores.max(1), random.random(n) < scores.max(1) ** 2
    answers = [SPACE.names[i] for i in scores.argmax(1)]
    labels = [a if ok else SPACE.names[SPACE.names.index(a) - 1] for a, ok in zip(answers, right, strict=True)]
    by_label = [dict(zip(SPACE.names, row, strict=True)) for row in scores.tolist()]
    return labels, [Prediction(i, a, s) for i, (a, s) in enumerate(zip(answers, by_label, strict=True))], own, right


def ece(labels, predictions):
    return evaluation.values("class", labels, predictions, SPACE, ["ece"])["ece"]


def brute(own, right):
    order = np.argsort(own)
    of_level = np.array([right[own == score].mean() for score in own])  # rows with equal scores count alike
    parts = np.repeat(np.stack([own[order], of_level[order]]), 15, axis=1)  # each bin has as many parts as rows
    bins = parts.reshape(2, 15, -1).mean(-1)
    return np.abs(bins[0] - bins[1]).mean()


@pytest.mark.parametrize("n", [1, 2, 14, 15, 16, 100, 450])
@pytest.mark.parametrize("digits", [None, 2])
def test_it_equals_bins_of_equal_mass_by_brute_force(n, digits):
    labels, predictions, own, right = rows(n, seed=n, digits=digits)
    assert ece(labels, predictions) == pytest.approx(brute(own, right), abs=1e-12)


def test_if_bins_have_whole_rows_it_is_the_usual_formula():
    labels, predictions, own, right = rows(150)
    bins = np.array_split(np.argsort(own), 15)
    expected = sum(len(b) / 150 * abs(own[b].mean() - right[b].mean()) for b in bins)
    assert ece(labels, predictions) == pytest.approx(expected)


def test_the_order_of_the_rows_does_not_matter():
    labels, predictions, _, _ = rows(100, digits=1)
    assert ece(labels[::-1], predictions[::-1]) == pytest.approx(ece(labels, predictions))


def test_certain_and_correct_is_0_and_certain_and_wrong_is_1():
    sure = [Prediction(i, "a", {"a": 1.0, "b": 0.0, "c": 0.0}) for i in range(20)]
    assert ece(["a"] * 20, sure) == 0
    assert ece(["b"] * 20, sure) == 1
    assert ece(["a", "b"] * 10, sure) == pytest.approx(0.5)


def test_it_measures_the_predicted_label_even_if_another_has_a_higher_score():
    found = [Prediction(i, "b", {"a": 0.6, "b": 0.4, "c": 0.0}) for i in range(10)]
    assert ece(["b"] * 10, found) == pytest.approx(0.6)


def test_its_interval_is_that_of_resampling_the_rows_anew():
    labels, predictions, _, _ = rows(60)
    found = evaluation.score("class", labels, predictions, SPACE, n_bootstrap=2000, seed=0, only=["ece"]).metrics["ece"]
    random, draws = np.random.default_rng(9), []
    for _ in range(600):
        chosen = random.integers(0, 60, 60)
        draws.append(ece([labels[i] for i in chosen], [predictions[i] for i in chosen]))
    low, high = np.percentile(draws, (2.5, 97.5))
    assert (found.low, found.high) == pytest.approx((min(low, found.value), high), abs=0.2 * (high - low))


def test_perfect_scores_of_few_rows_have_an_interval_above_0_as_its_docstring_says():
    random = np.random.default_rng(0)
    scores = 0.5 + 0.5 * random.beta(4, 1, 900)
    labels = ["a" if ok else "b" for ok in random.random(900) < scores]
    found = [Prediction(i, "a", {"a": p, "b": 1 - p, "c": 0.0}) for i, p in enumerate(scores.tolist())]
    measured = evaluation.score("class", labels, found, SPACE, n_bootstrap=300, seed=0, only=["ece"]).metrics["ece"]
    assert 0.01 < measured.low <= measured.value < (measured.low + measured.high) / 2


def test_several_labels_have_none_and_rows_without_scores_neither():
    found = [Prediction(0, ["a"], dict.fromkeys(SPACE.names, 0.5))]
    assert "ece" not in evaluation.values("classes", [("a",)], found, SPACE)
    assert "ece" not in evaluation.values("class", ["a"], [Prediction(0, "a", {})], SPACE)
