"""Several labels a row, and numbers: losses, weights, thresholds, units."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from nlptl.core.errors import InputError
from nlptl.core.records import Batch, Example, Features, LabelSpace, Pretrained
from nlptl.tasks.classification import Classification
from nlptl.tasks.regression import Regression
from tests import tiny

SEVERAL = Classification(labels="several")
SPACE = LabelSpace(("a", "b", "c"))
LOGITS = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
LABELS = (torch.rand(6, 3, generator=torch.Generator().manual_seed(1)) > 0.5).float()


def batch(labels: torch.Tensor) -> Batch:
    return tiny.sequences([1] * len(labels), labels)


def features(labels, example=None) -> Features:
    n = len(labels)
    example = np.arange(n) if example is None else np.asarray(example)
    return Features(np.zeros(n, np.int32), None, np.arange(n + 1), example, np.asarray(labels), np.ones(n, np.int64))


def answering(space: LabelSpace, **decision) -> Pretrained:
    return Pretrained(None, None, None, None, frozenset(), None, space, decision=decision)


def test_losses_of_several_labels_are_torchs_binary_cross_entropies():
    found = SEVERAL.losses(LOGITS, batch(LABELS), smoothing=0.0, likelihood=False)
    torch.testing.assert_close(found.mean(), functional.binary_cross_entropy_with_logits(LOGITS, LABELS))


def test_focal_losses_weigh_by_what_is_missed():
    focal = Classification(labels="several", loss="focal", gamma=2.0)
    p = torch.where(LABELS > 0, LOGITS.sigmoid(), 1 - LOGITS.sigmoid())
    expected = (-((1 - p) ** 2) * p.log()).mean(1)
    torch.testing.assert_close(focal.losses(LOGITS, batch(LABELS), smoothing=0.0, likelihood=False), expected)
    ids = torch.tensor([0, 1, 2, 0, 1, 2])
    p = LOGITS.softmax(-1)[torch.arange(6), ids]
    found = Classification(loss="focal", gamma=1.5).losses(LOGITS, batch(ids), smoothing=0.0, likelihood=False)
    torch.testing.assert_close(found, -((1 - p) ** 1.5) * p.log())


def test_each_label_has_its_own_threshold():
    logits = np.log(np.array([[0.3, 0.6, 0.1], [0.2, 0.4, 0.9]]) / (1 - np.array([[0.3, 0.6, 0.1], [0.2, 0.4, 0.9]])))
    rows = [Example(4, ""), Example(2, "")]
    found = SEVERAL.decode(logits, features(np.zeros((2, 3))), rows, answering(SPACE))
    assert [p.prediction for p in found] == [["b"], ["c"]]
    tuned = answering(SPACE, thresholds={"a": 0.25, "b": 0.7, "c": 0.95})
    found = SEVERAL.decode(logits, features(np.zeros((2, 3))), rows, tuned)
    assert [p.prediction for p in found] == [["a"], []]
    assert found[0].scores == pytest.approx({"a": 0.3, "b": 0.6, "c": 0.1})


def test_windows_of_one_text_count_as_one_text():
    found = SEVERAL.weights(features(np.zeros((4, 3)), [0, 0, 0, 1]), SPACE, "none")
    np.testing.assert_allclose(found, [1 / 3, 1 / 3, 1 / 3, 1])


def test_rows_with_rare_labels_weigh_more_where_that_is_asked_for():
    labels = np.array([[1, 0, 0]] * 8 + [[1, 1, 0]] + [[0, 0, 0]], np.float32)
    found = SEVERAL.weights(features(labels), SPACE, "balanced")
    assert found[8] == pytest.approx(9 * found[0])
    assert found[9] == pytest.approx(found[0])
    assert found.sum() == pytest.approx(10)


def test_the_label_space_is_declared_or_numbers_ascending_or_the_alphabet():
    def rows(*labels):
        return [Example(i, "", label=label) for i, label in enumerate(labels)]

    assert SEVERAL.label_space(rows(("c", "a"), ("b",), ()), None).names == ("a", "b", "c")
    assert SEVERAL.label_space(rows(("10", "9"), ("2",)), None).names == ("2", "9", "10")
    assert Classification().label_space(rows("x", "y"), ("y", "z", "x")).names == ("y", "x")


def numbers(*values: float) -> list[Example]:
    return [Example(i, "", label=value) for i, value in enumerate(values)]


def test_numbers_come_back_in_the_users_unit():
    space = Regression().label_space(numbers(10, 20, 30), None)
    assert (space.mean, space.scale) == pytest.approx((20, 8.16496580927726))
    found = Regression().decode(np.array([[1.0], [0.0]], np.float32), features([0, 0]), numbers(1, 2), answering(space))
    assert [p.prediction for p in found] == pytest.approx([28.16496580927726, 20])


def test_windows_of_one_text_are_averaged_to_one_number():
    space = LabelSpace(("number",), None, 5.0, 2.0)
    logits = np.array([[1.0], [3.0], [0.0]], np.float32)
    found = Regression().decode(logits, features([0, 0, 0], [0, 0, 1]), numbers(1, 2), answering(space))
    assert [p.prediction for p in found] == pytest.approx([9.0, 5.0])


def test_ordinal_predictions_are_expected_grades():
    ordinal = Regression(loss="ordinal")
    space = ordinal.label_space(numbers(1, 2, 4, 4), None)
    assert (space.names, space.values) == (("above 1", "above 2"), (1.0, 2.0, 4.0))
    logits = np.array([[50.0, 50.0], [50.0, 0.0], [-50.0, -50.0]], np.float32)
    found = ordinal.decode(logits, features([0, 0, 0]), numbers(1, 1, 1), answering(space))
    assert [p.prediction for p in found] == pytest.approx([4.0, 3.0, 1.0])
    labels = torch.tensor([[1.0, 1.0], [1.0, 0.0]])
    losses = ordinal.losses(torch.zeros(2, 2), batch(labels), smoothing=0.0, likelihood=False)
    assert losses.tolist() == pytest.approx([np.log(2)] * 2)


def test_too_many_grades_are_no_grades():
    with pytest.raises(InputError, match=r"task\.loss ordinal .* at most 50 .* have 60 different numbers"):
        Regression(loss="ordinal").label_space(numbers(*range(60)), None)


def test_numbers_cannot_be_balanced():
    with pytest.raises(InputError, match="numbers have no classes to balance"):
        Regression().weights(features([0.0]), LabelSpace(("number",)), "balanced")
