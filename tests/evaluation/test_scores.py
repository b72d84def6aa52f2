"""What `score` says, and what it refuses."""

import subprocess
import sys

import pytest

from nlptl.core.errors import InputError
from nlptl.core.records import LabelSpace
from nlptl.evaluation.formulas import METRICS
from tests.evaluation.bare import score

LABELS = LabelSpace(("negative", "neutral", "positive"))
STARS = LabelSpace(("1 star", "3 stars", "5 stars"), (1.0, 3.0, 5.0))


def test_a_score_holds_metrics_table_and_matrix_in_the_order_of_the_labels():
    references = ["positive", "positive", "negative", "negative"]
    predictions = ["positive", "negative", "negative", "negative"]
    found = score("class", references, predictions, LABELS, n_bootstrap=100, seed=0)
    assert found.metrics["accuracy"].value == 0.75
    assert found.confusion == [[2, 0, 0], [0, 0, 0], [1, 0, 1]]
    assert found.per_class["positive"] == {"precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3), "support": 2}
    assert found.per_class["neutral"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}


def test_error_and_kappa_are_measured_only_for_ordered_labels():
    plain = score("class", ["negative"], ["neutral"], LABELS, n_bootstrap=100, seed=0)
    stars = score("class", ["1 star"], ["5 stars"], STARS, n_bootstrap=100, seed=0)
    assert set(METRICS) - set(plain.metrics) == {"mae", "quadratic_kappa"}
    assert set(stars.metrics) == set(METRICS)
    assert stars.metrics["mae"].value == 4.0


def test_the_order_of_the_label_space_does_not_change_the_values():
    references = ["1 star", "3 stars", "5 stars", "5 stars", "3 stars"]
    predictions = ["1 star", "5 stars", "5 stars", "1 star", "3 stars"]
    other = LabelSpace(("5 stars", "1 star", "3 stars"), (5.0, 1.0, 3.0))
    a, b = (score("class", references, predictions, labels, n_bootstrap=100, seed=0) for labels in (STARS, other))
    assert {k: v.value for k, v in a.metrics.items()} == pytest.approx({k: v.value for k, v in b.metrics.items()})
    assert a.per_class == b.per_class


def test_no_rows_are_refused():
    with pytest.raises(InputError, match="at least one row"):
        score("class", [], [], LABELS, n_bootstrap=100, seed=0)


def test_missing_predictions_are_refused():
    with pytest.raises(InputError, match="found 1 for 2"):
        score("class", ["neutral", "neutral"], ["neutral"], LABELS, n_bootstrap=100, seed=0)


@pytest.mark.parametrize("what", ["references", "predictions"])
def test_an_unknown_label_is_refused_with_its_place_and_the_nearest_label(what):
    good, bad = ["neutral", "neutral"], ["neutral", "positiv"]
    columns = (bad, good) if what == "references" else (good, bad)
    with pytest.raises(InputError, match=rf"{what}\[1\] is 'positiv'.*did you mean 'positive'"):
        score("class", *columns, LABELS, n_bootstrap=100, seed=0)


def test_a_row_without_a_label_is_refused():
    with pytest.raises(InputError, match=r"references\[0\] is None"):
        score("class", [None], ["neutral"], LABELS, n_bootstrap=100, seed=0)


@pytest.mark.parametrize(
    ("statement", "heavy"),
    [("import nlptl.evaluation", "numpy"), ("from nlptl.evaluation import score", "sklearn evaluate datasets torch")],
)
def test_a_name_loads_only_what_it_needs(statement, heavy):
    code = f"import sys; {statement}; print([m for m in {heavy.split()} if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_no_file_takes_the_place_of_a_public_name():
    load_all_twice = "[getattr(e, name) for name in e.__all__ * 2]"
    code = f"import types, nlptl.evaluation as e; print(any(isinstance(x, types.ModuleType) for x in {load_all_twice}))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(ImportError, match="no_such_name"):
        from nlptl.evaluation import no_such_name  # noqa: F401
