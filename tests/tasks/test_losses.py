"""Losses, weights and decoding of tasks with one label a row, beside torch's own cross-entropy."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from nlptl.core.errors import InputError
from nlptl.core.records import Batch, Example, Features, LabelSpace, Pretrained
from nlptl.tasks.sentiment import Sentiment
from tests import tiny

LOGITS = torch.randn(12, 3, generator=torch.Generator().manual_seed(0)) * 3
LABELS = torch.tensor([0, 1, 2, 2, 2, 2, 1, 0, 0, 0, 0, 0])


def features(labels: torch.Tensor, example: np.ndarray | None = None) -> Features:
    n = len(labels)
    example = np.arange(n) if example is None else example
    return Features(np.zeros(n, np.int32), None, np.arange(n + 1), example, labels.numpy(), np.ones(n, np.int64))


def batch(labels: torch.Tensor) -> Batch:
    return tiny.sequences([1] * len(labels), labels)


def answering(*names: str) -> Pretrained:
    return Pretrained(None, None, None, None, frozenset(), None, LabelSpace(names))


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_losses_are_torchs_cross_entropies(smoothing):
    found = Sentiment().losses(LOGITS, batch(LABELS), smoothing=smoothing, likelihood=False)
    expected = functional.cross_entropy(LOGITS, LABELS, label_smoothing=smoothing, reduction="none")
    torch.testing.assert_close(found, expected)


def test_balanced_weights_give_torchs_weighted_mean():
    weights = torch.from_numpy(Sentiment().weights(features(LABELS), LabelSpace(("a", "b", "c")), "balanced")).float()
    by_class = len(LABELS) / (3 * LABELS.bincount().float())
    losses = Sentiment().losses(LOGITS, batch(LABELS), smoothing=0.0, likelihood=False)
    torch.testing.assert_close(weights, by_class[LABELS])
    torch.testing.assert_close(
        (losses * weights).sum() / weights.sum(), functional.cross_entropy(LOGITS, LABELS, weight=by_class)
    )


def test_equal_weights_are_all_one():
    assert (Sentiment().weights(features(LABELS), LabelSpace(("a", "b", "c")), "none") == 1).all()


def test_losses_are_computed_in_float32():
    found = Sentiment().losses(LOGITS.bfloat16(), batch(LABELS), smoothing=0.0, likelihood=False)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, functional.cross_entropy(LOGITS.bfloat16().float(), LABELS, reduction="none"))


def test_likelihoods_are_not_normalized_again():
    found = Sentiment().losses(LOGITS, batch(LABELS), smoothing=0.0, likelihood=True)
    assert torch.equal(found, -LOGITS[torch.arange(12), LABELS])


def test_decoding_gives_one_prediction_a_row_in_the_rows_order():
    rows = [Example(i, "") for i in (7, 3, 5)]
    logits = np.log(np.array([[0.2, 0.8], [0.6, 0.4], [0.5, 0.5]], np.float32))
    found = Sentiment().decode(logits, features(torch.zeros(3).long()), rows, answering("bad", "good"))
    assert [p.row_id for p in found] == [7, 3, 5]
    assert [p.prediction for p in found] == ["good", "bad", "bad"]
    assert found[0].scores == pytest.approx({"bad": 0.2, "good": 0.8})


def test_the_features_of_one_row_are_averaged():
    logits = np.log(np.array([[0.9, 0.1], [0.1, 0.9], [0.2, 0.8]], np.float32))
    found = Sentiment().decode(
        logits,
        features(torch.zeros(3).long(), np.array([1, 0, 1])),
        [Example(0, ""), Example(1, "")],
        answering("a", "b"),
    )
    assert [p.prediction for p in found] == ["b", "a"]
    assert found[1].scores["a"] == pytest.approx(0.55)


def test_large_logits_do_not_overflow():
    found = Sentiment().decode(
        np.array([[1e4, 0.0]], np.float32), features(torch.zeros(1).long()), [Example(0, "")], answering("a", "b")
    )
    assert found[0].scores == {"a": 1.0, "b": 0.0}


def rows_with(*labels: str) -> list[Example]:
    return [Example(i, "text", label=label) for i, label in enumerate(labels)]


@pytest.mark.parametrize(
    ("labels", "declared", "names", "values"),
    [
        (("good", "bad", "good"), None, ("bad", "good"), None),
        (("pos", "neg"), ("pos", "neutral", "neg"), ("pos", "neg"), None),
        (("1", "0"), None, ("0", "1"), None),
        (("10", "9", "2"), None, ("2", "9", "10"), None),
        (("5 stars", "1 star", "3", "2"), None, ("1 star", "2", "3", "5 stars"), (1.0, 2.0, 3.0, 5.0)),
        (("5", "1", "3", "good"), None, ("1", "3", "5", "good"), None),
        (("2.5", "-1", "0", "1"), None, ("-1", "0", "1", "2.5"), (-1.0, 0.0, 1.0, 2.5)),
    ],
)
def test_labels_are_ordered(labels, declared, names, values):
    assert Sentiment().label_space(rows_with(*labels), declared) == LabelSpace(names, values)


def test_three_numbers_are_stars_where_the_scale_says_so():
    assert Sentiment(scale="stars").label_space(rows_with("3", "1", "2"), None).values == (1.0, 2.0, 3.0)
    assert Sentiment(scale="classes").label_space(rows_with("3", "1", "2", "4"), None).values is None


def test_stars_that_are_not_numbers_are_refused():
    with pytest.raises(InputError, match=r"task\.scale stars needs labels that are numbers.*found \['good'\]"):
        Sentiment(scale="stars").label_space(rows_with("1", "good"), None)
