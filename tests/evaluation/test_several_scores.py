"""Metrics of several labels a row against scikit-learn and torchmetrics."""

import numpy as np
import pytest
from sklearn import metrics as sk

from nlptl.core.errors import InputError
from nlptl.core.records import LabelSpace
from nlptl.evaluation.kinds.classes import METRICS
from tests.evaluation.bare import score

LABELS = LabelSpace(("anger", "fear", "joy", "never"))


def indicators():
    """Returns which labels each row has and was given; no row has or was given the last."""
    random = np.random.default_rng(0)
    wanted = random.random((200, 4)) < (0.5, 0.2, 0.1, 0)
    found = np.where(random.random((200, 4)) < 0.7, wanted, random.random((200, 4)) < (0.5, 0.2, 0.1, 0))
    return wanted, found


def names(rows):
    """Returns the label names of each row of indicators."""
    return [tuple(name for name, has in zip(LABELS.names, row, strict=True) if has) for row in rows]


def scored(wanted, found):
    """Returns the scores of indicators, predictions as lists in another order."""
    predictions = [list(reversed(row)) for row in names(found)]
    return score("classes", names(wanted), predictions, LABELS, n_bootstrap=20, seed=0)


def test_metrics_equal_scikit_learn():
    wanted, found = indicators()
    values = {name: interval.value for name, interval in scored(wanted, found).metrics.items()}
    expected = {"subset_accuracy": sk.accuracy_score(wanted, found)}
    for average in ("micro", "macro"):
        precision, recall, f1, _ = sk.precision_recall_fscore_support(wanted, found, average=average, zero_division=0)
        expected |= {f"{average}_precision": precision, f"{average}_recall": recall, f"{average}_f1": f1}
    assert values == pytest.approx(expected, abs=1e-12)
    assert set(values) == set(METRICS)


def test_f1_equals_torchmetrics():
    torch = pytest.importorskip("torch")
    tm = pytest.importorskip("torchmetrics.functional.classification")
    wanted, found = indicators()
    y, p = torch.tensor(wanted).int(), torch.tensor(found).int()
    for average in ("micro", "macro"):
        expected = tm.multilabel_f1_score(p, y, num_labels=4, average=average).item()
        assert scored(wanted, found).metrics[f"{average}_f1"].value == pytest.approx(expected, abs=1e-6)


def test_the_table_by_label_equals_scikit_learn():
    wanted, found = indicators()
    columns = sk.precision_recall_fscore_support(wanted, found, zero_division=0)
    result = scored(wanted, found)
    assert list(result.per_class) == list(LABELS.names)
    assert np.array([list(row.values()) for row in result.per_class.values()]) == pytest.approx(np.stack(columns, 1))
    assert result.confusion == []


def test_rows_without_labels_can_be_right():
    found = score("classes", [(), ("joy",)], [[], []], LABELS, n_bootstrap=20, seed=0).metrics
    assert found["subset_accuracy"].value == 0.5
    assert found["micro_f1"].value == 0.0


def test_an_unknown_label_is_refused_with_its_row_and_the_nearest_label():
    with pytest.raises(InputError, match=r"predictions\[1\]\[0\] is 'angry'.*did you mean 'anger'"):
        score("classes", [(), ()], [[], ["angry"]], LABELS, n_bootstrap=20, seed=0)


def test_one_text_instead_of_several_labels_is_refused():
    with pytest.raises(InputError, match=r"references\[0\] is 'joy', expected several labels"):
        score("classes", ["joy"], [["joy"]], LABELS, n_bootstrap=20, seed=0)
