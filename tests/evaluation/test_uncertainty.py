"""The intervals against plain resampling of rows, and against simulated truth."""

import numpy as np
import pytest

from nlptl.core.errors import InputError
from nlptl.core.records import Interval, LabelSpace
from nlptl.evaluation import uncertainty
from nlptl.evaluation.confusion import confusion_matrix
from nlptl.evaluation.formulas import METRICS, measure
from nlptl.evaluation.uncertainty import bootstrap
from tests.evaluation.bare import paired_difference

LABELS = LabelSpace(("bad", "fair", "good"), (1.0, 2.0, 4.0))
POPULATION = np.array([[30, 6, 4], [5, 20, 5], [2, 3, 25]]) / 100


def noisy(random, labels, share_right):
    """Returns predictions of which a share repeats the label and the rest is drawn at random."""
    return np.where(random.random(len(labels)) < share_right, labels, random.integers(0, 3, len(labels)))


def names(ids):
    """Returns the label names of class ids."""
    return [LABELS.names[i] for i in ids]


def plain_bootstrap(statistic, *columns, n_bootstrap):
    """Returns the 2.5 and 97.5 percentiles of a statistic over rows resampled one by one."""
    random = np.random.default_rng(99)
    n = len(columns[0])
    draws = [statistic(*(column[rows] for column in columns)) for rows in random.integers(0, n, (n_bootstrap, n))]
    return np.percentile(draws, (2.5, 97.5))


@pytest.mark.parametrize("name", METRICS)
def test_drawing_counts_agrees_with_resampling_rows(name):
    random = np.random.default_rng(3)
    labels = random.integers(0, 3, 150)
    guesses = noisy(random, labels, 0.5)

    def statistic(y, p):
        return float(measure(name, confusion_matrix(y, p, 3), LABELS.values))

    found = bootstrap(confusion_matrix(labels, guesses, 3), [name], LABELS.values, n_bootstrap=4000, seed=0)[name]
    low, high = plain_bootstrap(statistic, labels, guesses, n_bootstrap=4000)
    assert found.value == statistic(labels, guesses)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.1 * (high - low))


@pytest.mark.parametrize("name", ["accuracy", "macro_f1", "matthews", "mae"])
def test_intervals_cover_the_truth_about_95_times_in_a_hundred(name):
    random = np.random.default_rng(11)
    truth = float(measure(name, POPULATION, LABELS.values))
    samples = random.multinomial(200, POPULATION.ravel(), size=400).reshape(-1, 3, 3)
    found = [bootstrap(m, [name], LABELS.values, n_bootstrap=300, seed=i)[name] for i, m in enumerate(samples)]
    assert 0.91 < np.mean([i.low <= truth <= i.high for i in found]) < 0.975


@pytest.mark.parametrize("n_rows", [1, 2, 12, 100])
def test_intervals_contain_the_value(n_rows):
    random = np.random.default_rng(n_rows)
    labels = random.integers(0, 3, n_rows)
    matrix = confusion_matrix(labels, noisy(random, labels, 0.5), 3)
    for name, found in bootstrap(matrix, list(METRICS), LABELS.values, n_bootstrap=200, seed=0).items():
        assert found.low <= found.value <= found.high, name


def test_intervals_contain_the_value_where_every_class_has_one_row():
    ids = np.arange(200)
    guesses = np.where(ids % 2, ids, (ids + 1) % 200)
    found = bootstrap(confusion_matrix(ids, guesses, 200), ["macro_recall"], n_bootstrap=200, seed=0)["macro_recall"]
    assert found.low <= found.value <= found.high


def test_a_hundred_times_the_rows_give_a_tenth_of_the_width():
    small, large = (
        bootstrap(POPULATION * n, ["accuracy"], n_bootstrap=2000, seed=0)["accuracy"] for n in (100, 10_000)
    )
    assert (small.high - small.low) / (large.high - large.low) == pytest.approx(10, rel=0.1)


def test_the_seed_decides_the_interval():
    def interval(seed):
        return bootstrap(POPULATION * 1000, ["macro_f1"], n_bootstrap=200, seed=seed)["macro_f1"]

    assert interval(0) == interval(0)
    assert interval(0) != interval(1)


def test_drawing_in_small_portions_changes_nothing(monkeypatch):
    whole = bootstrap(POPULATION * 1000, ["macro_f1"], n_bootstrap=200, seed=0)
    monkeypatch.setattr(uncertainty, "MAX_CELLS", 63)
    assert bootstrap(POPULATION * 1000, ["macro_f1"], n_bootstrap=200, seed=0) == whole


@pytest.mark.parametrize("name", METRICS)
def test_paired_differences_agree_with_resampling_rows(name):
    random = np.random.default_rng(5)
    labels = random.integers(0, 3, 150)
    a = noisy(random, labels, 0.7)
    b = np.where(random.random(150) < 0.6, a, noisy(random, labels, 0.5))

    def statistic(y, p, q):
        matrices = np.stack([confusion_matrix(y, p, 3), confusion_matrix(y, q, 3)])
        return float(np.subtract(*measure(name, matrices, LABELS.values)))

    found = paired_difference("class", names(labels), names(a), names(b), LABELS, name, n_bootstrap=4000, seed=0)
    low, high = plain_bootstrap(statistic, labels, a, b, n_bootstrap=4000)
    assert found.value == pytest.approx(statistic(labels, a, b), abs=1e-12)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.1 * (high - low))


def test_a_model_does_not_differ_from_itself():
    labels = names(np.random.default_rng(0).integers(0, 3, 50))
    a = labels[1:] + labels[:1]
    assert paired_difference("class", labels, a, a, LABELS, "macro_f1", n_bootstrap=200, seed=0) == Interval(
        0.0, 0.0, 0.0
    )


def test_a_clearly_better_model_has_a_difference_above_zero():
    random = np.random.default_rng(2)
    labels = random.integers(0, 3, 300)
    better, worse = names(noisy(random, labels, 0.9)), names(noisy(random, labels, 0.4))
    found = paired_difference("class", names(labels), better, worse, LABELS, "accuracy", n_bootstrap=500, seed=0)
    back = paired_difference("class", names(labels), worse, better, LABELS, "accuracy", n_bootstrap=500, seed=0)
    assert 0 < found.low < found.value < found.high
    assert back.high < 0
    assert back.value == -found.value


def test_models_that_err_alike_are_compared_more_sharply_than_by_two_intervals():
    random = np.random.default_rng(4)
    labels = random.integers(0, 3, 300)
    a = noisy(random, labels, 0.6)
    b = np.where(random.random(300) < 0.95, a, labels)
    found = paired_difference("class", names(labels), names(b), names(a), LABELS, "accuracy", n_bootstrap=500, seed=0)
    alone = bootstrap(confusion_matrix(labels, a, 3), ["accuracy"], n_bootstrap=500, seed=0)["accuracy"]
    assert found.high - found.low < 0.5 * (alone.high - alone.low)


def test_a_comparison_of_different_lengths_is_refused():
    with pytest.raises(InputError, match="found 1 for 2"):
        paired_difference(
            "class", ["bad", "good"], ["bad", "good"], ["bad"], LABELS, "accuracy", n_bootstrap=100, seed=0
        )


def test_a_comparison_by_an_ordered_metric_needs_ordered_labels():
    with pytest.raises(InputError, match="mae needs ordered labels"):
        paired_difference("class", ["a"], ["a"], ["b"], LabelSpace(("a", "b")), "mae", n_bootstrap=100, seed=0)
