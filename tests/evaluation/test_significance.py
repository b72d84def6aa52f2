"""Tests of paired differences, against scipy, brute force and simulated models that are equally good."""

from itertools import product

import numpy as np
import pytest
import scipy.stats

from nlptl import evaluation
from nlptl.core.errors import InputError
from nlptl.core.records import LabelSpace, Prediction
from nlptl.evaluation import METRICS
from nlptl.evaluation.permutations import Permutations, Permuted
from tests.evaluation.bare import predicted
from tests.evaluation.test_rowwise import LABELS as THREE
from tests.evaluation.test_rowwise import numbers, several, tags

TWO = LabelSpace(("bad", "good"))


def p_value(output, references, a, b, labels, metric, n=10_000, seed=0):
    return evaluation.paired_test(
        output, references, predicted(a), predicted(b), labels, metric, n_permutations=n, seed=seed
    )


def classes(random, n, shares=(0.8, 0.7)):
    """Returns labels of three classes, and two models' answers, each correct for a share of the rows."""
    wanted = random.integers(0, 3, n)
    answers = [np.where(random.random(n) < share, wanted, random.integers(0, 3, n)) for share in shares]
    return tuple([THREE.names[i] for i in ids] for ids in (wanted, *answers))


MADE = {"class": classes, "number": numbers, "classes": several, "tags": tags}


def by_value(output, references, metric, labels):
    """Returns metric(x) - metric(y) as a function of answers, for scipy."""

    def difference(x, y):
        first, second = (
            evaluation.values(output, references, predicted(answers), labels, [metric])[metric] for answers in (x, y)
        )
        return first - second

    return difference


def brute_force(difference, a, b):
    """Returns the exact p-value: over every way in which answers can be exchanged."""
    found = []
    for flips in product((False, True), repeat=len(a)):
        x = [q if flip else p for p, q, flip in zip(a, b, flips, strict=True)]
        y = [p if flip else q for p, q, flip in zip(a, b, flips, strict=True)]
        found.append(difference(x, y))
    return np.mean(np.abs(found) >= abs(difference(a, b)) - 1e-9)


@pytest.mark.parametrize(
    ("output", "metric"),
    [("class", "accuracy"), ("class", "macro_f1"), ("number", "mae"), ("classes", "macro_f1"), ("tags", "entity_f1")],
)
def test_permutations_agree_with_every_way_to_exchange_answers(output, metric):
    references, a, b = MADE[output](np.random.default_rng(1), 9)
    exact = brute_force(by_value(output, references, metric, THREE), a, b)
    assert p_value(output, references, a, b, THREE, metric, n=20_000) == pytest.approx(exact, abs=0.015)


def test_the_permutation_test_of_a_mean_is_scipys():
    random = np.random.default_rng(4)
    wanted, a, b = numbers(random, 60)
    errors = [np.abs(np.array(wanted) - answers) for answers in (a, b)]
    theirs = scipy.stats.permutation_test(
        errors, lambda x, y: np.mean(x) - np.mean(y), permutation_type="samples", n_resamples=20_000, rng=0
    )
    assert p_value("number", wanted, a, b, THREE, "mae", n=20_000) == pytest.approx(theirs.pvalue, abs=0.01)


@pytest.mark.parametrize("metric", ["auroc", "log_loss", "brier"])
def test_metrics_of_scores_agree_with_exchanging_predictions_one_by_one(metric):
    random = np.random.default_rng(2)
    references = [TWO.names[i] for i in random.integers(0, 2, 40)]

    def scored(noise):
        good = 1 / (1 + np.exp(-np.array([1 if r == "good" else -1 for r in references]) + random.normal(0, noise, 40)))
        return [Prediction(i, TWO.names[int(p > 0.5)], {"bad": 1 - p, "good": p}) for i, p in enumerate(good.tolist())]

    def value(rows):
        return evaluation.values("class", references, rows, TWO, [metric])[metric]

    a, b = scored(1.0), scored(2.0)
    draws = []
    for flips in random.random((600, 40)) < 0.5:
        pairs = [(q, p) if flip else (p, q) for p, q, flip in zip(a, b, flips, strict=True)]
        draws.append(value([x for x, _ in pairs]) - value([y for _, y in pairs]))
    expected = Permuted(value(a) - value(b), [np.array(draws)]).p_value
    found = evaluation.paired_test("class", references, a, b, TWO, metric, n_permutations=4000, seed=0)
    assert found == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("output", MADE)
def test_a_model_does_not_differ_from_itself(output):
    references, a, _ = MADE[output](np.random.default_rng(0), 30)
    for metric in METRICS[output]:
        if metric in evaluation.values(output, references, predicted(a), THREE):
            assert p_value(output, references, a, a, THREE, metric, n=50) == 1


@pytest.mark.parametrize("output", MADE)
def test_the_order_of_the_models_does_not_matter(output):
    references, a, b = MADE[output](np.random.default_rng(3), 80)
    metric = next(iter(METRICS[output]))
    found = [p_value(output, references, *models, THREE, metric) for models in ((a, b), (b, a))]
    assert found[0] == pytest.approx(found[1], abs=0.02)


def test_a_large_difference_has_the_smallest_p_value_that_permutations_can_give():
    references = ["bad", "good"] * 50
    wrong = ["good", "bad"] * 50
    assert p_value("class", references, references, wrong, TWO, "accuracy", n=999) == 1 / 1000


def test_a_type_of_entities_that_only_one_model_finds_counts():
    labels = LabelSpace(("O", "B-x", "I-x", "B-y", "I-y"))
    references = [("B-x", "O")] * 20
    a, b = references, [("B-y", "O")] * 20
    assert p_value("tags", references, a, b, labels, "entity_f1", n=999) == 1 / 1000


def test_ranks_are_those_of_each_models_own_numbers():
    random = np.random.default_rng(0)
    wanted = random.normal(size=50).tolist()
    a = [100 * x for x in wanted]  # in another unit, in the same order
    assert p_value("number", wanted, wanted, a, THREE, "spearman", n=200) == 1


def test_the_seed_decides_and_blocks_do_not_matter(monkeypatch):
    references, a, b = classes(np.random.default_rng(6), 100)
    found = p_value("class", references, a, b, THREE, "macro_f1", n=500)
    assert found == p_value("class", references, a, b, THREE, "macro_f1", n=500)
    assert found != p_value("class", references, a, b, THREE, "macro_f1", n=500, seed=1)
    monkeypatch.setattr("nlptl.evaluation.permutations.MAX_CELLS", 50)
    assert [len(block) for block in Permutations(7, 0).rows(20)] == [2, 2, 2, 1]
    assert p_value("class", references, a, b, THREE, "macro_f1", n=500) == pytest.approx(found, abs=0.1)


def equally_good(random, n):
    """Returns labels of two classes, and two models with the same chance to be correct, whose errors are related."""
    wanted, hard = random.integers(0, 2, n), random.random(n)
    answers = [np.where(random.random(n) < 1 - 0.5 * hard, wanted, 1 - wanted) for _ in range(2)]
    return tuple([TWO.names[i] for i in ids] for ids in (wanted, *answers))


def rejected(n_draws, metric, n_rows=150):
    random = np.random.default_rng(0)
    return np.mean(
        [p_value("class", *equally_good(random, n_rows), TWO, metric, n=500) <= 0.05 for _ in range(n_draws)]
    )


def covered(n_draws, n_rows=150):
    random, found = np.random.default_rng(1), []
    for i in range(n_draws):
        references, a, b = equally_good(random, n_rows)
        b = [r if random.random() < 0.2 else p for r, p in zip(references, b, strict=True)]  # better by 0.05
        gain = evaluation.paired_difference(
            "class", references, predicted(b), predicted(a), TWO, "accuracy", n_bootstrap=500, seed=i
        )
        found.append(gain.low <= 0.05 <= gain.high)
    return np.mean(found)


def test_equally_good_models_are_told_apart_about_5_times_in_a_hundred():
    assert 0.01 <= rejected(200, "macro_f1") <= 0.09


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])
def test_equally_good_models_are_told_apart_5_times_in_a_hundred(metric):
    assert 0.03 <= rejected(1000, metric) <= 0.065


def test_intervals_of_differences_cover_the_truth_about_95_times_in_a_hundred():
    assert 0.91 <= covered(200) <= 0.99


@pytest.mark.slow
def test_intervals_of_differences_cover_the_truth_95_times_in_a_hundred():
    assert 0.93 <= covered(1000, 300) <= 0.97


@pytest.mark.parametrize("seed", range(5))
def test_mcnemar_is_the_sign_test_of_rows_that_one_model_alone_gets_right(seed):
    random = np.random.default_rng(seed)
    a, b = random.random(40) < 0.8, random.random(40) < 0.6
    n, m = int(np.sum(a & ~b)), int(np.sum(a != b))
    tail = scipy.stats.binom.cdf(min(n, m - n), m, 0.5)
    assert evaluation.mcnemar(a, b) == pytest.approx(min(1, 2 * tail))
    assert evaluation.mcnemar(a, b) == evaluation.mcnemar(b, a)
    assert evaluation.mcnemar(a, a) == 1


def smallest_family_level(p_values, i):
    """Returns the smallest level at which Holm's steps reject hypothesis i, by trying levels."""
    order = np.argsort(p_values)
    for level in np.arange(0, 1.0005, 0.0005):
        for step, j in enumerate(order):
            if p_values[j] > level / (len(p_values) - step):
                break
            if j == i:
                return level
    return 1.0


@pytest.mark.parametrize("n", [1, 2, 5, 10])
def test_holms_correction_is_the_level_at_which_its_steps_reject(n):
    p_values = np.random.default_rng(n).random(n) ** 3
    expected = [smallest_family_level(p_values, i) for i in range(n)]
    assert evaluation.holm(p_values.tolist()) == pytest.approx(expected, abs=0.0006)


def test_holm_of_equal_values_and_of_none():
    assert evaluation.holm([0.02, 0.02, 0.02]) == pytest.approx([0.06] * 3)
    assert evaluation.holm([0.9, 0.8]) == [1.0, 1.0]
    assert evaluation.holm([]) == []


def test_what_cannot_be_tested_is_refused():
    with pytest.raises(InputError, match="at least one row"):
        p_value("class", [], [], [], TWO, "accuracy")
    with pytest.raises(InputError, match="did you mean 'accuracy'"):
        p_value("class", ["bad"], ["bad"], ["bad"], TWO, "acuracy")
    with pytest.raises(InputError, match="needs scores"):
        p_value("class", ["bad"], ["bad"], ["bad"], TWO, "auroc")
    with pytest.raises(InputError, match="n_permutations must be between"):
        p_value("class", ["bad"], ["bad"], ["bad"], TWO, "accuracy", n=0)
