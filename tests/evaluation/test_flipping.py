"""What changes when words are swapped: shares, changes of scores, intervals."""

import numpy as np
import pytest
from scipy.stats import binomtest

from nlptl.core.errors import InputError
from nlptl.core.records import LabelSpace, Prediction
from nlptl.evaluation.flipping import flips
from nlptl.evaluation.intervals import Resampling
from nlptl.evaluation.rows import Rows

LABELS = LabelSpace(("bad", "good"))
DRAWN = Resampling(2000, 0)


def rows(goods, *, scored=True):
    """Returns rows from the scores of "good"."""
    predictions = [
        Prediction(i, "good" if p >= 0.5 else "bad", {"bad": 1 - p, "good": p} if scored else {})
        for i, p in enumerate(goods)
    ]
    return Rows.of("class", ["good"] * len(goods), predictions, LABELS)


def test_flips_and_changes_are_those_of_the_rows():
    before, after = np.array([0.9, 0.6, 0.2, 0.45]), np.array([0.8, 0.4, 0.2, 0.95])
    found = flips(rows(before), rows(after), DRAWN)
    assert found.flipped.value == 0.5
    assert found.order == [3, 1]  # 0.45 to 0.95 before 0.6 to 0.4
    assert found.by_label["good"].value == pytest.approx((after - before).mean())
    assert found.by_label["bad"].value == pytest.approx(-(after - before).mean())
    assert found.moved.value == pytest.approx(np.abs(after - before).mean())


def test_the_interval_of_the_share_is_wilsons_also_without_flips():
    goods = np.full(50, 0.9)
    found = flips(rows(goods), rows(goods), DRAWN)
    ends = binomtest(0, 50).proportion_ci(method="wilson")
    assert (found.flipped.value, found.flipped.high) == (0, pytest.approx(ends.high))
    assert found.flipped.high > 0.05
    assert found.order == []


def test_the_interval_of_the_change_is_that_of_resampled_rows():
    random = np.random.default_rng(0)
    before = random.random(200)
    after = np.clip(before + random.normal(0.02, 0.1, 200), 0, 1)
    found = flips(rows(before), rows(after), DRAWN).by_label["good"]
    error = (after - before).std() / np.sqrt(200)
    assert [found.low, found.high] == pytest.approx([found.value - 1.96 * error, found.value + 1.96 * error], abs=0.004)


def test_without_rows_or_scores_what_is_not_known_is_none():
    assert flips(rows([]), rows([]), DRAWN) == (None, None, {}, [])
    found = flips(rows([0.9, 0.1], scored=False), rows([0.1, 0.1], scored=False), DRAWN)
    assert (found.flipped.value, found.moved, found.by_label, found.order) == (0.5, None, {}, [0])
    with pytest.raises(InputError, match="1"):
        flips(rows([0.9, 0.1]), rows([0.9]), DRAWN)
