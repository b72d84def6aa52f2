"""Metrics of scores against scikit-learn and torchmetrics, and their intervals against resampling rows anew."""

import warnings

import numpy as np
import pytest
from sklearn import metrics as sk

from nlptl import evaluation
from nlptl.core import registry
from nlptl.core.records import Example, LabelSpace, Prediction
from nlptl.evaluation.ranks import Ranked
from tests.evaluation.test_resampling import peak_mib

NAMES = ("auroc", "average_precision", "brier", "log_loss")


def space(n_classes):
    return LabelSpace(tuple(f"label {i}" for i in range(n_classes)))


def one_label(n, n_classes, seed=0, digits=2):
    """Returns class ids and scores that know something of them; rounded scores are often equal."""
    random = np.random.default_rng(seed)
    ids = random.integers(0, n_classes, n)
    scores = random.random((n, n_classes)) + 0.4 * np.eye(n_classes)[ids]
    return ids, np.round(scores / scores.sum(1, keepdims=True), digits)


def several_labels(n, n_classes, seed=0):
    random = np.random.default_rng(seed)
    has = random.random((n, n_classes)) < 0.3
    return has, np.round(np.clip(0.4 * random.random((n, n_classes)) + 0.4 * has, 0.01, 0.99), 2)


def as_rows(output, targets, scores):
    """Returns references and predictions."""
    names = space(scores.shape[1]).names
    if output == "class":
        references = [names[i] for i in targets]
        answers = [names[i] for i in scores.argmax(1)]
    else:
        references = [tuple(n for n, x in zip(names, row, strict=True) if x) for row in targets]
        answers = [[n for n, x in zip(names, row, strict=True) if x >= 0.5] for row in scores]
    rows = enumerate(zip(answers, scores.tolist(), strict=True))
    return references, [Prediction(i, answer, dict(zip(names, row, strict=True))) for i, (answer, row) in rows]


def values(output, targets, scores, only=None):
    return evaluation.values(output, *as_rows(output, targets, scores), space(scores.shape[1]), only)


def measured(output, targets, scores, **options):
    options = {"n_bootstrap": 200, "seed": 0} | options
    return evaluation.score(output, *as_rows(output, targets, scores), space(scores.shape[1]), **options).metrics


@pytest.mark.parametrize(("n", "n_classes"), [(300, 2), (300, 4), (40, 3)])
def test_metrics_of_one_label_equal_scikit_learn(n, n_classes):
    ids, scores = one_label(n, n_classes)
    found, one_hot = values("class", ids, scores), np.eye(n_classes)[ids]
    assert found["auroc"] == pytest.approx(sk.roc_auc_score(one_hot, scores, average="macro"))
    assert found["average_precision"] == pytest.approx(sk.average_precision_score(one_hot, scores, average="macro"))
    assert found["brier"] == pytest.approx(((scores - one_hot) ** 2).sum(1).mean())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # rounded scores do not add up to 1
        expected = -np.log(scores[np.arange(n), ids].clip(np.finfo(float).eps)).mean()
    assert found["log_loss"] == pytest.approx(expected)


def test_log_loss_and_brier_of_probabilities_equal_scikit_learn():
    ids, scores = one_label(200, 3, digits=9)
    scores /= scores.sum(1, keepdims=True)
    found = values("class", ids, scores)
    assert found["log_loss"] == pytest.approx(sk.log_loss(ids, scores))
    assert found["brier"] == pytest.approx(sk.brier_score_loss(ids, scores, labels=[0, 1, 2], scale_by_half=False))


def test_metrics_of_several_labels_equal_scikit_learn():
    has, scores = several_labels(200, 5)
    found = values("classes", has, scores)
    assert found["auroc"] == pytest.approx(sk.roc_auc_score(has, scores, average="macro"))
    assert found["average_precision"] == pytest.approx(sk.average_precision_score(has, scores, average="macro"))
    assert found["log_loss"] == pytest.approx(np.mean([sk.log_loss(has[:, i], scores[:, i]) for i in range(5)]))
    assert found["brier"] == pytest.approx(np.mean([sk.brier_score_loss(has[:, i], scores[:, i]) for i in range(5)]))


def test_areas_equal_torchmetrics():
    torch = pytest.importorskip("torch")
    tm = pytest.importorskip("torchmetrics.functional.classification")
    ids, scores = one_label(200, 4, digits=3)
    found, y, p = values("class", ids, scores), torch.tensor(ids), torch.tensor(scores)
    assert found["auroc"] == pytest.approx(tm.multiclass_auroc(p, y, 4).item(), abs=1e-6)
    assert found["average_precision"] == pytest.approx(tm.multiclass_average_precision(p, y, 4).item(), abs=1e-6)


def test_labels_that_no_row_or_every_row_has_are_left_out_of_the_areas():
    ids, scores = one_label(100, 3)
    ids = np.where(ids == 2, 1, ids)
    found, one_hot = values("class", ids, scores), np.eye(3)[ids]
    expected = np.mean([sk.roc_auc_score(one_hot[:, i], scores[:, i]) for i in (0, 1)])
    assert found["auroc"] == pytest.approx(expected)
    alone = values("class", np.zeros(100, int), scores)
    assert (alone["auroc"], alone["average_precision"]) == (0.5, 1.0)


def test_areas_of_resamples_equal_those_of_the_rows_repeated():
    ids, scores = one_label(60, 3)
    has, random = np.eye(3)[ids] > 0, np.random.default_rng(1)
    counts = random.multinomial(60, np.full(60, 1 / 60), size=20).astype(float)
    areas = Ranked(scores, has).areas(counts)
    for i, drawn in enumerate(counts.astype(int)):
        rows = np.repeat(np.arange(60), drawn)
        for label in range(3):
            roc = sk.roc_auc_score(has[rows, label], scores[rows, label])
            precision = sk.average_precision_score(has[rows, label], scores[rows, label])
            assert (areas.roc[label, i], areas.precision[label, i]) == pytest.approx((roc, precision)), (i, label)


@pytest.mark.parametrize("output", ["class", "classes"])
def test_intervals_agree_with_measuring_resampled_rows_anew(output):
    targets, scores = one_label(60, 3) if output == "class" else several_labels(60, 3)
    found = measured(output, targets, scores, n_bootstrap=3000)
    random, draws = np.random.default_rng(99), []
    for _ in range(600):
        chosen = random.integers(0, 60, 60)
        draws.append(values(output, targets[chosen], scores[chosen], NAMES))
    for name in NAMES:
        low, high = np.percentile([row[name] for row in draws], (2.5, 97.5))
        # 600 draws leave the ends of an interval uncertain by less than a tenth of its width
        assert (found[name].low, found[name].high) == pytest.approx((low, high), abs=0.2 * (high - low)), name


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_few_rows_are_enough(n):
    ids, scores = one_label(n, 3)
    for name, found in measured("class", ids, scores).items():
        assert found.low <= found.value <= found.high, name


def test_a_difference_is_that_of_the_values_on_the_same_resampled_rows():
    ids, scores = one_label(80, 3)
    references, a = as_rows("class", ids, scores)
    _, b = as_rows("class", ids, scores[::-1])
    for name in NAMES:
        found = evaluation.paired_difference("class", references, a, b, space(3), name, n_bootstrap=300, seed=0)
        back = evaluation.paired_difference("class", references, b, a, space(3), name, n_bootstrap=300, seed=0)
        expected = values("class", ids, scores)[name] - values("class", ids, scores[::-1])[name]
        assert found.value == pytest.approx(expected)
        assert (back.low, back.high) == pytest.approx((-found.high, -found.low))


def test_memory_does_not_grow_with_the_number_of_resamples():
    ids, scores = one_label(5000, 2)
    rows = as_rows("class", ids, scores)

    def score(n):
        return evaluation.score("class", *rows, space(2), only=["auroc"], n_bootstrap=n, seed=0)

    score(1)
    few, many = (peak_mib(lambda n=n: score(n)) for n in (500, 2000))
    assert many < few + 5


def test_without_scores_only_decisions_are_measured():
    ids, scores = one_label(20, 2)
    references, predictions = as_rows("class", ids, scores)
    predictions[3] = Prediction(3, predictions[3].prediction, {})
    found = evaluation.values("class", references, predictions, space(2))
    assert "accuracy" in found
    assert not set(NAMES) & set(found)


def test_only_the_named_metrics_are_measured():
    ids, scores = one_label(20, 2)
    assert set(measured("class", ids, scores, only=["auroc", "accuracy"])) == {"auroc", "accuracy"}
    rows = as_rows("class", ids, scores)
    assert set(evaluation.values("class", *rows, space(2), ["matthews"])) == {"matthews"}


def test_losses_are_better_when_smaller():
    assert [evaluation.greater_is_better(name) for name in NAMES] == [True, True, False, False]


def test_scores_are_usable_as_primary_metrics_of_labels_only():
    for output in ("class", "classes"):
        assert set(NAMES) <= set(evaluation.usable(output, space(2)))
    assert not set(NAMES) & set(evaluation.usable("number", space(1)))


@pytest.mark.parametrize("several", [False, True])
def test_baselines_of_labels_have_scores_so_that_they_are_compared(several):
    words = ["good", "bad"]
    labels = LabelSpace(("a", "b"))
    names = [("a",), ("b",)] if several else ["a", "b"]
    train = [Example(i, f"{words[i % 2]} {i % 5}", label=names[i % 2]) for i in range(40)]
    output = "classes" if several else "class"
    found = evaluation.baseline_predictions(output, train, train, labels, seed=0)
    assert list(found) == ["majority", "tfidf_logreg"]
    scored = {
        name: evaluation.values(output, [e.label for e in train], predictions, labels)
        for name, predictions in found.items()
    }
    assert scored["majority"]["auroc"] == 0.5
    assert scored["tfidf_logreg"]["auroc"] == 1.0


def test_metrics_and_baselines_have_a_file_each():
    assert sorted(registry.names("metric")) == sorted((*NAMES, "ece", "coverage", "selective_accuracy"))
    assert set(registry.names("baseline")) >= {"majority", "tfidf_logreg", "mean", "copy"}
