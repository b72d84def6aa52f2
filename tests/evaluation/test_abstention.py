"""Abstention: the bound against scipy's exact test, the search against trying every score, the promise on new rows."""

import numpy as np
import pytest
from scipy.stats import binomtest

from nlptl import evaluation
from nlptl.core.config import EvalConfig
from nlptl.core.errors import InputError
from nlptl.core.records import LabelSpace, Prediction
from nlptl.evaluation import check_decisions, decide
from nlptl.evaluation.abstention import FROM_ALL, best_score, least_rows, lower_bounds

SPACE = LabelSpace(("a", "b"))


def drawn(seed, n):
    """Returns scores of which each is the probability that its row is correct."""
    random = np.random.default_rng(seed)
    scores = 0.5 + 0.5 * random.beta(1.5, 1, n)
    return scores, random.random(n) < scores


def predictions(scores, below=None):
    return [
        Prediction(i, "a", {"a": p, "b": 1 - p}, abstained=None if below is None else p < below)
        for i, p in enumerate(scores)
    ]


@pytest.mark.parametrize(("right", "n"), [(0, 5), (3, 5), (5, 5), (90, 100)])
def test_the_bound_is_that_of_the_exact_test(right, n):
    expected = binomtest(right, n, alternative="greater").proportion_ci(0.95, "exact").low
    assert lower_bounds([right], [n]) == pytest.approx([expected])


@pytest.mark.parametrize(("target", "least"), [(0.5, 5), (0.8, 14), (0.9, 29), (0.95, 59), (0.99, 299)])
def test_the_least_number_of_rows_is_the_first_that_suffices_if_all_are_correct(target, least):
    assert least_rows(target) == least
    few, enough = lower_bounds([least - 1, least], [least - 1, least])
    assert few < target <= enough


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_lowest_score_that_is_enough_of_all(seed):
    scores, right = drawn(seed, 500)
    scores = scores.round(2)
    below = best_score(scores, right, 0.9)

    def is_enough(score):
        answered = scores >= score
        test = binomtest(int(right[answered].sum()), int(answered.sum()), alternative="greater")
        return test.proportion_ci(0.95, "exact").low >= 0.9

    assert (scores >= below).sum() == (scores >= min(filter(is_enough, np.unique(scores)))).sum()
    assert below not in scores


def test_new_rows_keep_the_promise_for_nine_of_ten_validation_sets():
    new, _ = drawn(10_000, 50_000)
    kept = []
    for seed in range(200):
        below = best_score(*drawn(seed, 600), 0.9)
        kept += [new[new >= below].mean() >= 0.9] if below < 1 else []  # a score is the probability of being correct
    assert len(kept) > 190
    assert np.mean(kept) >= 0.9


def test_rows_with_equal_scores_are_answered_together_or_not_at_all():
    scores = np.repeat([0.9, 0.6], [200, 100])
    right = np.repeat([True, False], [200, 100])
    assert best_score(scores, right, 0.9) == pytest.approx(0.75)
    assert best_score(np.full(300, 0.9), right, 0.9) == FROM_ALL
    assert best_score(np.full(300, 0.9), np.full(300, True), 0.9) < 0.9


def test_the_best_score_answers_all_rows_if_all_are_correct():
    scores, _ = drawn(0, 300)
    assert best_score(scores, np.full(300, True), 0.95) < scores.min()


@pytest.mark.parametrize("n", [1, 2, 5, 30])
def test_few_rows_promise_nothing(n):
    assert best_score(np.linspace(0.5, 1, n), np.full(n, True), 0.95) == FROM_ALL


def test_the_score_of_the_predicted_label_decides_after_the_temperature():
    scores, right = drawn(1, 500)
    labels = ["a" if ok else "b" for ok in right]
    plain = decide("class", labels, predictions(scores), SPACE, EvalConfig(abstain=0.9))
    assert plain == {"abstain_below": best_score(scores, right, 0.9)}
    both = decide("class", labels, predictions(scores), SPACE, EvalConfig(abstain=0.9, calibration="temperature"))
    assert set(both) == {"temperature", "abstain_below"}
    assert both["abstain_below"] != plain["abstain_below"]


def measured(labels, found, **options):
    return evaluation.score("class", labels, found, SPACE, n_bootstrap=300, seed=0, **options).metrics


def test_coverage_and_accuracy_are_those_of_the_answered_rows():
    scores, right = drawn(2, 400)
    labels = ["a" if ok else "b" for ok in right]
    found = measured(labels, predictions(scores, 0.8))
    answered = scores >= 0.8
    assert found["coverage"].value == pytest.approx(answered.mean())
    assert found["selective_accuracy"].value == pytest.approx(right[answered].mean())
    assert found["accuracy"].value == pytest.approx(right.mean())
    for name in ("coverage", "selective_accuracy"):
        assert found[name].low < found[name].value < found[name].high


def test_a_model_that_never_abstains_has_neither():
    assert not {"coverage", "selective_accuracy"} & set(measured(["a"] * 9, predictions([0.9] * 9)))


def test_a_model_that_abstains_from_all_rows_has_a_coverage_of_0_and_a_warning():
    found = evaluation.score("class", ["a", "b"], predictions([0.9, 0.6], FROM_ALL), SPACE, n_bootstrap=100, seed=0)
    assert found.metrics["coverage"].value == 0
    assert "selective_accuracy" not in found.metrics
    assert [f.kind for f in evaluation.verdict(found)] == ["always_abstains", "single_class"]


def test_they_can_be_reported_but_training_cannot_be_judged_by_them():
    evaluation.check("class", SPACE, "accuracy", ["coverage", "selective_accuracy"])
    with pytest.raises(InputError, match=r"eval\.metric 'coverage' is not measured here"):
        evaluation.check("class", SPACE, "coverage", None)
    with pytest.raises(InputError, match=r"eval\.metrics 'coverage' is not measured here"):
        evaluation.check("number", SPACE, "mae", ["coverage"])


@pytest.mark.parametrize("output", ["classes", "number", "tags", "span", "text"])
def test_only_one_label_per_row_can_abstain(output):
    with pytest.raises(InputError, match=r"eval\.abstain is for one label per row"):
        check_decisions(output, EvalConfig(abstain=0.9), 1000)


def test_too_few_validation_rows_are_refused_with_how_many_it_takes():
    check_decisions("class", EvalConfig(abstain=0.95), 59)
    with pytest.raises(InputError, match=r"0\.95 needs at least 59 validation rows, found 45.*lower eval\.abstain"):
        check_decisions("class", EvalConfig(abstain=0.95), 45)
    with pytest.raises(InputError, match="fitted on validation rows"):
        check_decisions("class", EvalConfig(abstain=0.5), 0)


@pytest.mark.parametrize("value", [0, 1, -0.5, 95])
def test_a_share_outside_0_to_1_is_refused(value):
    with pytest.raises(InputError, match=r"eval\.abstain must be above 0 and below 1"):
        EvalConfig(abstain=value)
