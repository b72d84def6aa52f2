"""The formulas against scikit-learn and torchmetrics."""

import itertools
import warnings

import numpy as np
import pytest
from sklearn import metrics as sk

from nlptl.core.errors import InputError
from nlptl.core.records import LabelSpace
from nlptl.evaluation import greater_is_better, usable
from nlptl.evaluation.confusion import confusion_matrix
from nlptl.evaluation.formulas import METRICS, measure, per_class

STARS = (1.0, 2.0, 3.5, 4.0, 5.0)


def rows(case):
    """Returns references and predictions as class ids below 5."""
    random = np.random.default_rng(7)
    labels, guesses = random.integers(0, 5, 200), random.integers(0, 5, 200)
    agreeing = np.where(random.random(200) < 0.6, labels, guesses)
    return {
        "all classes": (labels, agreeing),
        "class without labels": (np.where(labels == 3, 1, labels), agreeing),
        "class without predictions": (labels, np.where(agreeing == 0, 2, agreeing)),
        "class that never occurs": (np.where(labels == 3, 1, labels), np.where(agreeing == 3, 1, agreeing)),
        "one class predicted": (labels, np.full(200, 2)),
        "one class labelled": (np.full(200, 2), agreeing),
        "one class in both": (np.full(200, 2), np.full(200, 2)),
        "all wrong": (labels, (labels + 1) % 5),
        "all right": (labels, labels),
        "one row": (labels[:1], guesses[:1]),
        "two classes": (labels % 2, agreeing % 2),
    }[case]


CASES = (
    "all classes",
    "class without labels",
    "class without predictions",
    "class that never occurs",
    "one class predicted",
    "one class labelled",
    "one class in both",
    "all wrong",
    "all right",
    "one row",
    "two classes",
)

REFERENCE = {
    "accuracy": sk.accuracy_score,
    "macro_f1": lambda y, p: sk.f1_score(y, p, average="macro", zero_division=0),
    "micro_f1": lambda y, p: sk.f1_score(y, p, average="micro", zero_division=0),
    "macro_precision": lambda y, p: sk.precision_score(y, p, average="macro", zero_division=0),
    "macro_recall": lambda y, p: sk.recall_score(y, p, average="macro", zero_division=0),
    "matthews": sk.matthews_corrcoef,
    "mae": lambda y, p: sk.mean_absolute_error(np.array(STARS)[y], np.array(STARS)[p]),
    "quadratic_kappa": lambda y, p: sk.cohen_kappa_score(y, p, weights="quadratic", labels=range(5)),
}


def expected(name, labels, guesses):
    """Returns scikit-learn's value, 0 where it is undefined."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of undefined values
        return np.nan_to_num(REFERENCE[name](labels, guesses))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", METRICS)
def test_every_metric_equals_scikit_learn(name, case):
    labels, guesses = rows(case)
    found = measure(name, confusion_matrix(labels, guesses, 5), STARS)
    assert found == pytest.approx(expected(name, labels, guesses), abs=1e-12)


def test_every_metric_has_a_reference_to_compare_with():
    assert set(REFERENCE) == set(METRICS)


@pytest.mark.parametrize("name", METRICS)
def test_a_stack_gives_the_value_of_each_of_its_matrices(name):
    stack = np.array(
        [[confusion_matrix(*rows(a), 5), confusion_matrix(*rows(b), 5)] for a, b in itertools.pairwise(CASES)]
    )
    found = measure(name, stack, STARS)
    assert found.shape == stack.shape[:2]
    assert found == pytest.approx(
        np.array([[float(measure(name, m, STARS)) for m in pair] for pair in stack]), abs=1e-12
    )


@pytest.mark.parametrize("name", METRICS)
def test_the_order_of_the_labels_does_not_matter(name):
    matrix = confusion_matrix(*rows("class without labels"), 5)
    order = np.array([3, 0, 4, 1, 2])
    shuffled = matrix[np.ix_(order, order)]
    assert measure(name, shuffled, np.array(STARS)[order]) == pytest.approx(measure(name, matrix, STARS), abs=1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_a_matrix_without_rows_measures_zero(name):
    assert measure(name, np.zeros((3, 3)), (1, 2, 3)) == 0


@pytest.mark.parametrize("name", ["matthews", "quadratic_kappa"])
def test_agreement_on_a_single_class_counts_as_chance(name):
    assert measure(name, confusion_matrix(*rows("one class in both"), 5), STARS) == 0


@pytest.mark.parametrize("name", [n for n in METRICS if n != "mae"])
def test_perfect_predictions_score_exactly_one(name):
    assert measure(name, np.diag([17, 1, 3, 0, 6]), STARS) == 1.0


def test_kappa_looks_at_ranks_and_mae_at_values():
    matrix = confusion_matrix(*rows("all classes"), 5)
    assert measure("quadratic_kappa", matrix, (1, 2, 3, 4, 100)) == measure("quadratic_kappa", matrix, STARS)
    assert measure("mae", matrix, (1, 2, 3, 4, 100)) > 5 * measure("mae", matrix, STARS)


def test_the_counts_of_large_data_do_not_overflow():
    matrix = np.array([[3_000_000_000, 0], [0, 3_000_000_000]])
    assert measure("matthews", matrix) == 1.0
    assert measure("quadratic_kappa", matrix, (0, 1)) == 1.0


def test_metrics_equal_torchmetrics():
    torch = pytest.importorskip("torch")
    tm = pytest.importorskip("torchmetrics.functional.classification")
    labels, guesses = rows("class without labels")
    y, p = torch.tensor(labels), torch.tensor(guesses)
    matrix = confusion_matrix(labels, guesses, 5)
    reference = {
        "accuracy": tm.multiclass_accuracy(p, y, 5, average="micro"),
        "macro_f1": tm.multiclass_f1_score(p, y, 5),
        "matthews": tm.multiclass_matthews_corrcoef(p, y, 5),
        "quadratic_kappa": tm.multiclass_cohen_kappa(p, y, 5, weights="quadratic"),
    }
    for name, value in reference.items():
        assert measure(name, matrix, STARS) == pytest.approx(value.item(), abs=1e-6), name


@pytest.mark.parametrize("case", CASES)
def test_the_table_by_class_equals_scikit_learn(case):
    labels, guesses = rows(case)
    columns = sk.precision_recall_fscore_support(labels, guesses, labels=range(5), zero_division=0)
    table = per_class(confusion_matrix(labels, guesses, 5), "abcde")
    assert list(table) == list("abcde")
    assert [list(row) for row in table.values()] == [["precision", "recall", "f1", "support"]] * 5
    assert np.array([list(row.values()) for row in table.values()]) == pytest.approx(np.stack(columns, axis=1))


def test_only_the_error_is_better_when_smaller():
    assert [name for name in METRICS if not greater_is_better(name)] == ["mae"]


def test_an_unknown_metric_names_the_nearest_one():
    with pytest.raises(InputError, match=r"unknown metric 'macrof1'.*did you mean 'macro_f1'"):
        greater_is_better("macrof1")
    with pytest.raises(InputError, match="unknown metric"):
        measure("speed", np.eye(2))


def test_ordered_metrics_are_refused_without_the_numbers_behind_the_labels():
    assert set(METRICS) - set(usable("class", LabelSpace(("a", "b")))) == {"mae", "quadratic_kappa"}
    assert usable("class", LabelSpace(tuple("abcde"), STARS)) == (
        *METRICS,
        "auroc",
        "average_precision",
        "brier",
        "ece",
        "log_loss",
    )
    with pytest.raises(InputError, match="mae needs ordered labels"):
        measure("mae", np.eye(2))
