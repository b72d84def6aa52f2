"""Slices: their metric, interval, comparison with the other rows, and the correction for many comparisons."""

import numpy as np
import pytest
from scipy import stats

from nlptl.core.records import Interval
from nlptl.evaluation import slices
from nlptl.evaluation.intervals import wilson
from nlptl.evaluation.slices import Part, compared, holm, named, of_column, quarters
from nlptl.evaluation.views import Graded


def shares(right):
    """Returns rows that are right or wrong."""
    right = np.asarray(right, np.float64)
    return Graded("accuracy", right, np.ones(len(right)), 1 - right, "")


def errors(values):
    values = np.asarray(values, np.float64)
    return Graded("mae", values, np.ones(len(values)), values, "", greater_is_better=False, is_share=False)


def part(*rows, column="c", value="v"):
    return Part(column, value, np.array(rows))


def test_holm_is_the_step_down_procedure():
    p = [0.01, 0.04, 0.03, 0.005]
    order, before, expected = sorted(range(4), key=p.__getitem__), 0.0, [0.0] * 4
    for k, i in enumerate(order):
        before = max(before, min(1.0, (4 - k) * p[i]))
        expected[i] = before
    assert holm(p) == pytest.approx(expected)
    assert holm(p) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


@pytest.mark.parametrize(("n_true", "n"), [(0, 3), (3, 3), (7, 10), (50, 100)])
def test_wilsons_interval_is_scipys(n_true, n):
    expected = stats.binomtest(n_true, n).proportion_ci(method="wilson")
    found = wilson(n_true, n)
    assert (found.value, found.low, found.high) == pytest.approx((n_true / n, expected.low, expected.high))


def test_three_right_rows_of_three_are_no_certainty():
    (found,) = compared(shares([1, 1, 1, 0, 1, 0]), [part(0, 1, 2)], seed=0)
    assert found.score.value == 1
    assert found.score.low < 0.5


def test_p_values_of_shares_are_fishers():
    random = np.random.default_rng(0)
    right = random.random(300) < 0.8
    rows = np.arange(40)
    right[:14] = False
    table = [[np.sum(right[:40]), np.sum(~right[:40])], [np.sum(right[40:]), np.sum(~right[40:])]]
    (p,) = slices.p_values(shares(right), [rows], seed=0)
    assert p == pytest.approx(stats.fisher_exact(table).pvalue, abs=0.003)
    even = np.arange(60, 100)
    table = [[np.sum(right[even]), np.sum(~right[even])]]
    table.append([np.sum(right) - table[0][0], np.sum(~right) - table[0][1]])
    (p,) = slices.p_values(shares(right), [even], seed=0)
    sums = stats.hypergeom(300, int(right.sum()), 40)
    far = abs(table[0][0] - right.mean() * 40)
    counts = np.arange(41)
    assert p == pytest.approx(sums.pmf(counts[np.abs(counts - right.mean() * 40) >= far - 1e-9]).sum(), abs=0.02)


@pytest.mark.parametrize("n", [200, 3000])
def test_p_values_of_numbers_are_those_of_a_permutation_test(n):
    random = np.random.default_rng(1)
    values = random.exponential(size=n)
    values[:30] += 0.3
    graded, rows, others = errors(values), np.arange(30), np.arange(30, n)

    def distance(a, b, axis):
        return np.mean(a, axis=axis) - np.mean(b, axis=axis)

    expected = stats.permutation_test(
        (values[rows], values[others]), distance, n_resamples=4000, vectorized=True, rng=random
    ).pvalue
    found = slices.p_values(graded, [rows, others], seed=0)
    assert found[0] == pytest.approx(expected, abs=0.04)
    assert found[1] == found[0]  # the rest differs from the part as the part from the rest


def test_large_parts_have_the_p_value_of_the_normal_distribution():
    random = np.random.default_rng(2)
    right = random.random(4000) < np.where(np.arange(4000) < 1500, 0.8, 0.83)
    (p,) = slices.p_values(shares(right), [np.arange(1500)], seed=0)
    table = [[np.sum(right[:1500]), np.sum(~right[:1500])], [np.sum(right[1500:]), np.sum(~right[1500:])]]
    assert p == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue, rel=0.01)


def test_equal_parts_are_rarely_called_different():
    random = np.random.default_rng(3)
    calls = 0
    for seed in range(40):
        graded = shares(random.random(200) < 0.7)
        found = compared(graded, named("c", [(str(i % 5),) for i in range(200)]), seed)
        calls += any(one.differs for one in found)
    assert calls <= 6  # 5 % of 40 runs are 2


def test_a_part_that_differs_is_found_and_comes_first():
    right = np.ones(400)
    right[:40:2] = 0
    parts = named("domain", [("bad" if i < 40 else f"d{i % 3}",) for i in range(400)])
    first, *others = compared(shares(right), parts, seed=0)
    assert (first.value, first.n, first.score.value, first.rest) == ("bad", 40, 0.5, 1.0)
    assert first.differs
    assert first.p == pytest.approx(4e-4, rel=0.01)  # 1 of 10,000, times four
    assert [one.score.value for one in others] == [1, 1, 1]


def test_the_worst_of_errors_is_the_largest():
    found = compared(errors([1.0, 1, 1, 5, 5, 5]), [part(0, 1, 2, value="a"), part(3, 4, 5, value="b")], seed=0)
    assert [one.value for one in found] == ["b", "a"]


def test_a_ratio_has_the_interval_of_its_linearization():
    random = np.random.default_rng(4)
    below = random.integers(1, 5, 500).astype(float)
    above = random.binomial(below.astype(int), 0.6).astype(float)
    graded = Graded("micro_f1", above, below, below - above, "")
    found = slices.interval(graded, np.arange(500))
    draws = random.integers(0, 500, (4000, 500))
    low, high = np.percentile(above[draws].sum(1) / below[draws].sum(1), [2.5, 97.5])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.005)
    assert found.value == above.sum() / below.sum()


def test_a_mean_has_students_interval():
    values = np.array([1.0, 2.0, 4.0, 8.0])
    expected = stats.ttest_1samp(values, 0).confidence_interval()
    found = slices.interval(errors(values), np.arange(4))
    assert (found.low, found.high) == pytest.approx((max(0, expected.low), expected.high))


def test_a_single_row_of_numbers_has_no_width_and_is_not_compared_in_slices():
    assert slices.interval(errors([2.0, 3.0]), np.array([0])) == Interval(2.0, 2.0, 2.0)
    assert compared(errors([2.0, 3.0]), [part(0)], seed=0) == []


def test_a_part_of_all_rows_has_nothing_to_compare_with():
    (found,) = compared(shares([1, 0, 1]), [part(0, 1, 2)], seed=0)
    assert (found.rest, found.p, found.differs) == (None, None, False)


def test_rows_that_are_all_right_differ_nowhere():
    found = compared(shares(np.ones(20)), named("c", [(str(i % 2),) for i in range(20)]), seed=0)
    assert [one.p for one in found] == [1.0, 1.0]


def test_a_part_without_anything_to_find_is_left_out():
    graded = Graded("entity_f1", np.array([2.0, 2, 2, 0, 0, 0]), np.array([2.0, 2, 2, 0, 0, 0]), np.zeros(6), "")
    assert [one.value for one in compared(graded, [part(0, 1, 2, value="a"), part(3, 4, 5, value="b")], 0)] == ["a"]


def test_quarters_are_at_the_quartiles_and_name_their_ends():
    values = list(range(100))
    found = quarters("length", values)
    assert [len(one.rows) for one in found] == [25, 25, 25, 25]
    assert [one.value for one in found] == ["0 to 24", "25 to 49", "50 to 74", "75 to 99"]
    assert [one.value for one in quarters("x", [1.0, 1, 1, 1])] == ["1"]
    assert [list(one.rows) for one in quarters("x", [1.0, np.nan, 2.0])] == [[0], [2]]
    assert quarters("x", [np.nan]) == []


def test_a_column_is_divided_by_value_or_if_it_has_many_numbers_into_quarters():
    assert [one.value for one in of_column("c", ["b", "a", "b", None, " "])] == ["b", "(none)", "a"]
    assert [one.value for one in of_column("c", [3, 3, 1])] == ["3", "1"]
    assert len(of_column("c", [str(i / 2) for i in range(40)])) == 4
    assert len(of_column("c", [f"id {i}" for i in range(40)])) == 40


def test_of_many_values_the_largest_are_compared():
    parts = named("user", [(f"u{i % 30}",) for i in range(1000)])
    assert len(compared(shares(np.arange(1000) % 2), parts, 0)) == 20
    assert slices.sizes([*parts, part(1, 2)]) == {"user": (30, 20), "c": (1, 0)}
