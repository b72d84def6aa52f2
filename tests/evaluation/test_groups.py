"""Scores by group: against scikit-learn, the gap's interval against a plain bootstrap, its p-value under chance."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from nlptl.core.errors import InputError
from nlptl.core.records import LabelSpace
from nlptl.evaluation.groups import by_group
from nlptl.evaluation.intervals import Resampling
from nlptl.evaluation.kind import Answered

LABELS = LabelSpace(("bad", "good"))
DRAWN = Resampling(1000, 0)


def made(sizes, rights, seed=0):
    """Returns groups and rows; `rights` is how often each group's rows are predicted correctly."""
    random, groups, references, decisions = np.random.default_rng(seed), [], [], []
    for name, size, share in zip("abcdefgh", sizes, rights, strict=False):
        labels = random.integers(0, 2, size)
        right = random.random(size) < share
        groups += [name] * size
        references += [LABELS.names[i] for i in labels]
        decisions += [LABELS.names[i] for i in np.where(right, labels, 1 - labels)]
    return groups, Answered(references, decisions, LABELS)


@pytest.mark.parametrize(
    ("metric", "reference"),
    [("accuracy", accuracy_score), ("macro_f1", lambda y, p: f1_score(y, p, average="macro"))],
)
def test_the_score_of_each_group_is_that_of_its_rows(metric, reference):
    groups, rows = made((60, 40, 25), (0.9, 0.6, 0.7))
    found = by_group("domain", groups, rows, metric, DRAWN)
    assert [(group.name, group.n) for group in found.groups] == [("a", 60), ("b", 40), ("c", 25)]
    for group in found.groups:
        own = [i for i, name in enumerate(groups) if name == group.name]
        expected = reference([rows.references[i] for i in own], [rows.decisions[i] for i in own])
        assert group.score.value == pytest.approx(expected)
        assert group.score.low <= expected <= group.score.high


def test_the_interval_of_the_gap_is_that_of_resampling_each_group_alone():
    groups, rows = made((80, 50), (0.9, 0.6))
    gap = by_group("domain", groups, rows, "accuracy", Resampling(20_000, 1)).gap
    right = np.array(rows.references) == np.array(rows.decisions)
    a, b = right[:80], right[80:]
    random = np.random.default_rng(5)
    draws = [random.choice(a, 80).mean() - random.choice(b, 50).mean() for _ in range(20_000)]
    assert (gap.best, gap.worst) == ("a", "b")
    assert gap.difference.value == pytest.approx(a.mean() - b.mean())
    assert [gap.difference.low, gap.difference.high] == pytest.approx(np.percentile(draws, [2.5, 97.5]), abs=0.01)
    assert gap.p < 0.01


def test_between_groups_formed_by_chance_the_p_value_is_small_no_more_often_than_it_says():
    found = [
        by_group("x", *made((30, 30, 30, 30), (0.8,) * 4, seed), "accuracy", Resampling(99, 0)) for seed in range(200)
    ]
    small = np.mean([own.gap.p <= 0.1 for own in found])
    assert small <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / 200)
    assert np.mean([own.gap.difference.low > 0 for own in found]) > 0.1  # the interval is too optimistic, as is said


def test_groups_of_few_rows_are_shown_but_make_no_gap():
    groups, rows = made((30, 30, 3), (0.9, 0.8, 0.0))
    found = by_group("x", groups, rows, "accuracy", DRAWN)
    assert len(found.groups) == 3
    assert {found.gap.best, found.gap.worst} == {"a", "b"}
    assert by_group("x", *made((30, 3), (0.9, 0.1)), "accuracy", DRAWN).gap is None


def test_of_errors_the_least_is_the_best():
    labels = LabelSpace(("1", "2", "3"), (1.0, 2.0, 3.0))
    rows = Answered(["1"] * 40, ["1"] * 20 + ["3"] * 20, labels)
    gap = by_group("x", ["a"] * 20 + ["b"] * 20, rows, "mae", DRAWN).gap
    assert (gap.best, gap.worst, gap.difference.value) == ("a", "b", -2)


def test_columns_that_make_no_groups_and_other_metrics_are_refused():
    groups, rows = made((300,), (0.9,))
    with pytest.raises(InputError, match=r"'id' has 300 different values; expected at most 100"):
        by_group("id", list(map(str, range(300))), rows, "accuracy", DRAWN)
    with pytest.raises(InputError, match=r"'auroc' is not measured by group.*usable: accuracy"):
        by_group("x", groups, rows, "auroc", DRAWN)
    with pytest.raises(InputError, match="'mae' is not measured by group"):
        by_group("x", groups, rows, "mae", DRAWN)
