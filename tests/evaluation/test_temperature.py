"""The temperature is the likeliest: compared with scipy's minimizer on logits; and it changes no prediction."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax, softmax

from nlptl.core.config import EvalConfig
from nlptl.core.errors import InputError
from nlptl.core.probabilities import tempered, tempered_each
from nlptl.core.records import LabelSpace, Prediction
from nlptl.evaluation import check_decisions, decide
from nlptl.evaluation.temperature import HIGHEST, of_distributions, of_each

SPACE = LabelSpace(("a", "b", "c"))
SCALED = EvalConfig(calibration="temperature")


def one_label(seed, n=300, sure=3.0):
    random = np.random.default_rng(seed)
    logits = random.normal(size=(n, 3))
    ids = (logits + random.gumbel(size=(n, 3))).argmax(1)  # drawn from softmax(logits)
    return sure * logits, np.eye(3)[ids]


def several_labels(seed, n=200, sure=3.0):
    random = np.random.default_rng(seed)
    logits = random.normal(size=(n, 3))
    return sure * logits, (random.random((n, 3)) < expit(logits)).astype(float)


def as_rows(scores):
    names = SPACE.names
    answers = [names[i] for i in scores.argmax(1)]
    return [
        Prediction(i, answer, dict(zip(names, row, strict=True)))
        for i, (answer, row) in enumerate(zip(answers, scores.tolist(), strict=True))
    ]


def minimum(loss):
    return np.exp(minimize_scalar(lambda log_t: loss(np.exp(log_t)), bounds=(-4.6, 4.6), method="bounded").x)


@pytest.mark.parametrize("sure", [0.3, 1.0, 3.0, 12.0])
def test_one_label_gets_the_temperature_with_the_highest_likelihood_of_its_logits(sure):
    logits, targets = one_label(0, sure=sure)
    expected = minimum(lambda t: -(log_softmax(logits / t, 1) * targets).sum())
    found = of_distributions(softmax(logits, 1), targets)
    assert found == pytest.approx(expected, rel=1e-3)
    assert found == pytest.approx(sure, rel=0.35)  # what the logits were multiplied with


@pytest.mark.parametrize("sure", [0.3, 1.0, 3.0, 12.0])
def test_several_labels_get_the_temperature_with_the_highest_likelihood_of_their_logits(sure):
    logits, targets = several_labels(0, sure=sure)
    expected = minimum(lambda t: np.logaddexp(0, logits / t * (1 - 2 * targets)).sum())
    assert of_each(expit(logits), targets) == pytest.approx(expected, rel=1e-3)


def test_scores_at_a_temperature_are_those_of_the_divided_logits():
    logits, _ = one_label(1, sure=20)
    np.testing.assert_allclose(tempered(softmax(logits, 1), 2.5), softmax(logits / 2.5, 1), rtol=1e-9)
    some = logits / 4
    np.testing.assert_allclose(tempered_each(expit(some), 2.5), expit(some / 2.5), rtol=1e-6)


@pytest.mark.parametrize("t", [0.01, 0.5, 1.0, 3.0, 100.0])
def test_scores_stay_finite_and_in_order_also_at_0_and_1(t):
    scores = np.array([[1.0, 0.0, 0.0], [0.5, 0.3, 0.2], [1e-320, 1 - 1e-16, 1e-16]])
    found = tempered(scores, t)
    np.testing.assert_allclose(found.sum(1), 1)
    np.testing.assert_array_equal(found.argmax(1), scores.argmax(1))
    each = tempered_each(np.array([0.0, 1e-9, 0.4, 0.5, 0.6, 1.0]), t)
    assert (np.diff(each) >= 0).all()
    assert np.isfinite(each).all()
    assert each[3] == pytest.approx(0.5)


@pytest.mark.parametrize("fit", [of_distributions, of_each])
@pytest.mark.parametrize("n", [1, 3, 50])
def test_if_all_rows_are_correct_scores_stay_as_they_are(fit, n):
    targets = np.eye(3)[np.arange(n) % 3]
    assert fit(0.8 * targets + 0.1 * (1 - targets), targets) == 1


@pytest.mark.parametrize("fit", [of_distributions, of_each])
def test_if_all_rows_are_wrong_scores_become_as_equal_as_they_may(fit):
    targets = np.eye(3)[[0, 1, 2]]
    wrong = np.roll(targets, 1, axis=1)
    assert fit(0.8 * wrong + 0.1 * (1 - wrong), targets) == HIGHEST


def test_scores_of_0_and_1_that_are_wrong_are_fitted_too():
    targets = np.eye(3)[[0, 1, 2, 0]]
    scores = np.eye(3)[[0, 1, 2, 1]]
    for fit in (of_distributions, of_each):
        assert 1 < fit(scores, targets) < HIGHEST * 1.001


def test_a_label_space_of_one_label_is_fitted_without_an_error():
    assert of_distributions(np.ones((4, 1)), np.ones((4, 1))) == 1


def test_it_is_fitted_only_if_it_is_wanted():
    logits, targets = one_label(0)
    labels, found = [SPACE.names[i] for i in targets.argmax(1)], as_rows(softmax(logits, 1))
    assert decide("class", labels, found, SPACE, EvalConfig()) == {}
    decision = decide("class", labels, found, SPACE, SCALED)
    assert decision == {"temperature": pytest.approx(3, rel=0.35)}


@pytest.mark.parametrize("seed", range(5))
def test_thresholds_of_several_labels_move_with_the_scores_so_that_no_answer_changes(seed):
    logits, targets = several_labels(seed)
    labels = [tuple(n for n, hit in zip(SPACE.names, row, strict=True) if hit) for row in targets]
    scores = expit(logits)
    plain = decide("classes", labels, as_rows(scores), SPACE, EvalConfig())["thresholds"]
    scaled = decide("classes", labels, as_rows(scores), SPACE, SCALED)
    new = expit(several_labels(seed + 100)[0])
    for i, name in enumerate(SPACE.names):
        before, after = new[:, i] >= plain[name], tempered_each(new, scaled["temperature"])[:, i]
        np.testing.assert_array_equal(before, after >= scaled["thresholds"][name])


@pytest.mark.parametrize("output", ["class", "classes"])
def test_predictions_without_scores_cannot_be_calibrated(output):
    answer = "a" if output == "class" else ["a"]
    with pytest.raises(InputError, match="decisions need a score for each label"):
        decide(output, [answer], [Prediction(0, answer, {"a": 1.0})], SPACE, SCALED)


@pytest.mark.parametrize("output", ["number", "tags", "span", "text"])
def test_answers_without_a_score_for_each_label_are_refused(output):
    with pytest.raises(InputError, match=r"needs a score for each label of a text.*set eval\.calibration none"):
        check_decisions(output, SCALED, 100)


def test_no_validation_rows_are_refused_only_if_something_is_fitted():
    check_decisions("class", EvalConfig(), 0)
    check_decisions("class", SCALED, 1)
    for output in ("class", "classes"):
        with pytest.raises(InputError, match=r"fitted on validation rows.*give --data\.validation"):
            check_decisions(output, SCALED, 0)
