"""Metrics of numbers against torchmetrics, scipy and scikit-learn."""

import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from nlptl.core.errors import InputError
from nlptl.core.records import LabelSpace
from nlptl.evaluation import usable
from nlptl.evaluation.kinds import number
from tests.evaluation.bare import score

LABELS = LabelSpace(("number",))
ERRORS = {"mae": 0.0, "rmse": 0.0}


def values(references, predictions, labels=LABELS):
    """Returns the value of each metric."""
    found = score("number", list(references), list(predictions), labels, n_bootstrap=20, seed=0)
    return {name: interval.value for name, interval in found.metrics.items()}


def pairs(shift=0.0):
    """Returns references and predictions with ties."""
    random = np.random.default_rng(1)
    wanted = np.round(random.normal(2, 1, 300), 1)
    return wanted + shift, np.round(0.5 * wanted + random.normal(1, 0.5, 300), 1) + shift


@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_metrics_equal_scipy_and_scikit_learn(shift):
    wanted, found = pairs(shift)
    expected = {
        "pearson": stats.pearsonr(wanted, found).statistic,
        "spearman": stats.spearmanr(wanted, found).statistic,
        "mae": sk.mean_absolute_error(wanted, found),
        "rmse": sk.root_mean_squared_error(wanted, found),
        "r2": sk.r2_score(wanted, found),
    }
    assert {name: values(wanted, found)[name] for name in expected} == pytest.approx(expected, rel=1e-9)


def test_metrics_equal_torchmetrics():
    torch = pytest.importorskip("torch")
    tm = pytest.importorskip("torchmetrics.functional")
    wanted, found = pairs()
    y, p = torch.tensor(wanted), torch.tensor(found)
    expected = {
        "pearson": tm.pearson_corrcoef(p, y),
        "spearman": tm.spearman_corrcoef(p, y),
        "mae": tm.mean_absolute_error(p, y),
        "rmse": tm.mean_squared_error(p, y, squared=False),
        "r2": tm.r2_score(p, y),
    }
    for name, value in expected.items():
        assert values(wanted, found)[name] == pytest.approx(value.item(), abs=1e-5), name


def test_kappa_of_grades_equals_scikit_learn_on_rounded_and_clipped_predictions():
    random = np.random.default_rng(2)
    wanted = random.choice([1, 2, 4, 5], 200)  # no row has grade 3
    found = wanted + random.normal(0, 1.5, 200)
    rounded = np.clip(np.rint(found), 1, 5).astype(int)
    expected = sk.cohen_kappa_score(wanted, rounded, weights="quadratic", labels=range(1, 6))
    assert values(wanted.astype(float), found)["quadratic_kappa"] == pytest.approx(expected, abs=1e-12)


def test_kappa_is_measured_only_of_grades():
    assert "quadratic_kappa" not in values([1.5, 2.0], [1.0, 2.0])
    assert "quadratic_kappa" in values([1.0, 2.0], [1.2, 2.1])
    grades = LabelSpace(("above 1", "above 2"), (1.0, 2.0, 3.0))
    assert "quadratic_kappa" in usable("number", grades)
    assert "quadratic_kappa" in values([1.5, 2.0], [1.0, 2.0], grades)
    assert "quadratic_kappa" not in usable("number", LABELS)


@pytest.mark.parametrize("constant", [0.0, 0.1, 0.3, 1e9, -7.7])
def test_without_spread_correlations_are_zero(constant):
    same, other = [constant] * 7, [constant + i for i in range(7)]
    for wanted, found in ((same, other), (other, same), (same, same)):
        assert values(wanted, found)["pearson"] == 0.0
        assert values(wanted, found)["spearman"] == 0.0
    assert values(same, other)["r2"] == 0.0


@pytest.mark.parametrize("name", ["pearson", "spearman", "r2"])
def test_a_resample_of_a_single_row_has_no_spread_whatever_rounding_leaves(name):
    statistics = number.count(*pairs(), LABELS).statistics
    sums = np.arange(2, 12)[:, None, None] * statistics  # (times, rows, k)
    assert np.all(number.METRICS[name].formula(sums) == 0)


def test_a_single_row_gives_numbers():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = score("number", [3.0], [5.0], LABELS, n_bootstrap=20, seed=0).metrics
    assert {name: i.value for name, i in found.items()} == {
        "pearson": 0.0,
        "spearman": 0.0,
        "mae": 2.0,
        "rmse": 2.0,
        "r2": 0.0,
        "quadratic_kappa": 0.0,
    }


def test_perfect_predictions_are_perfect():
    wanted, _ = pairs()
    expected = ERRORS | {"pearson": 1.0, "spearman": 1.0, "r2": 1.0}
    assert values(wanted, wanted) == pytest.approx(expected)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), "3"])
def test_what_is_no_finite_number_is_refused(wrong):
    with pytest.raises(InputError, match=r"predictions\[1\] is .* expected a finite number"):
        values([1.0, 2.0], [1.0, wrong])
    with pytest.raises(InputError, match=r"references\[1\] is .* expected a finite number"):
        values([1.0, wrong], [1.0, 2.0])
