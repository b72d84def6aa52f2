"""The intervals of all outputs but one label a row, against plain resampling of rows."""

import numpy as np
import pytest

from nlptl.core.errors import InputError
from nlptl.core.records import Answer, Interval, LabelSpace
from nlptl.evaluation import METRICS, intervals
from tests.evaluation.bare import paired_difference, score

LABELS = LabelSpace(("a", "b", "c"))
BY_ROW = [output for output in METRICS if output != "class"]
MEASURES = [(output, name) for output in BY_ROW for name in METRICS[output]]


def numbers(random, n):
    wanted = random.integers(0, 6, n).astype(float)
    return wanted.tolist(), *((wanted + random.normal(0, scale, n)).tolist() for scale in (1, 2))


def several(random, n):
    wanted = random.random((n, 3)) < 0.4
    sets = (wanted, *(np.where(random.random((n, 3)) < share, wanted, ~wanted) for share in (0.85, 0.7)))
    return tuple([[x for x, has in zip("abc", row, strict=True) if has] for row in rows] for rows in sets)


def tags(random, n):
    wanted = random.choice(["O", "B-x", "B-y"], (n, 5))
    drawn = random.choice(["O", "B-x", "B-y"], (n, 5))
    others = (np.where(random.random((n, 5)) < share, wanted, drawn) for share in (0.9, 0.6))
    return wanted.tolist(), *(rows.tolist() for rows in others)


def texts(random, n):
    wanted = random.choice(["red", "green", "blue", "pink", "grey"], (n, 6))
    others = (np.where(random.random((n, 6)) < share, wanted, "brown") for share in (0.9, 0.7))
    return tuple([" ".join(row) for row in rows] for rows in (wanted, *others))


def spans(random, n):
    wanted, a, b = texts(random, n)
    references = [() if i % 3 == 0 else (Answer(text, 0),) for i, text in enumerate(wanted)]
    a, b = (["" if random.random() < 0.4 else text for text in side] for side in (a, b))
    return references, a, b


ROWS = {"number": numbers, "classes": several, "tags": tags, "text": texts, "span": spans}


def rows(output, n):
    """Returns references and two sets of predictions, the second worse."""
    return ROWS[output](np.random.default_rng(8), n)


def measured(output, references, predictions, **options):
    """Returns the intervals by metric."""
    options = {"n_bootstrap": 300, "seed": 0} | options
    return score(output, references, predictions, LABELS, **options).metrics


def slowly(output, references, predictions, n_bootstrap):
    """Returns each metric measured anew on resampled rows."""
    random, draws = np.random.default_rng(99), {}
    for _ in range(n_bootstrap):
        chosen = random.integers(0, len(references), len(references))
        columns = ([column[i] for i in chosen] for column in (references, predictions))
        for name, found in measured(output, *columns, n_bootstrap=1).items():
            draws.setdefault(name, []).append(found.value)
    return draws


@pytest.mark.parametrize("output", BY_ROW)
def test_intervals_agree_with_measuring_resampled_rows_anew(output):
    references, predictions, _ = rows(output, 40)
    found = measured(output, references, predictions, n_bootstrap=3000)
    for name, draws in slowly(output, references, predictions, 300).items():
        low, high = np.percentile(draws, (2.5, 97.5))
        # 300 draws leave the ends of an interval uncertain by about a tenth of its width
        assert (found[name].low, found[name].high) == pytest.approx((low, high), abs=0.2 * (high - low)), name


@pytest.mark.parametrize("output", BY_ROW)
@pytest.mark.parametrize("n", [1, 2, 3, 30])
def test_intervals_contain_the_value(output, n):
    references, predictions, _ = rows(output, n)
    for name, found in measured(output, references, predictions).items():
        assert found.low <= found.value <= found.high, name


@pytest.mark.parametrize("output", BY_ROW)
def test_nine_times_the_rows_give_about_a_third_of_the_width(output):
    references, predictions, _ = rows(output, 60)
    small = measured(output, references, predictions, n_bootstrap=1000)
    large = measured(output, list(references) * 9, list(predictions) * 9, n_bootstrap=1000)
    for name, found in small.items():
        assert large[name].value == pytest.approx(found.value, abs=1e-9), name
        width = (large[name].high - large[name].low) / (found.high - found.low)
        assert width == pytest.approx(1 / 3, rel=0.25), name


@pytest.mark.parametrize("output", BY_ROW)
def test_the_seed_decides_the_interval_and_the_size_of_portions_does_not(output, monkeypatch):
    references, predictions, _ = rows(output, 50)
    first = measured(output, references, predictions)
    assert measured(output, references, predictions) == first
    assert measured(output, references, predictions, seed=1) != first
    monkeypatch.setattr(intervals, "MAX_CELLS", 7 * 50)
    for name, found in measured(output, references, predictions).items():
        assert (found.low, found.high) == pytest.approx((first[name].low, first[name].high), abs=1e-9), name


@pytest.mark.parametrize(("output", "name"), MEASURES)
def test_equal_predictions_do_not_differ(output, name):
    references, predictions, _ = rows(output, 20)
    found = paired_difference(output, references, predictions, predictions, LABELS, name, n_bootstrap=50, seed=0)
    assert found == Interval(0.0, 0.0, 0.0)


@pytest.mark.parametrize(("output", "name"), MEASURES)
def test_the_difference_is_that_of_the_values_on_the_same_resampled_rows(output, name):
    references, a, b = rows(output, 80)
    found = paired_difference(output, references, a, b, LABELS, name, n_bootstrap=300, seed=0)
    first, second = (measured(output, references, side)[name] for side in (a, b))
    assert found.value == pytest.approx(first.value - second.value, abs=1e-12)
    assert found.low <= found.value <= found.high
    back = paired_difference(output, references, b, a, LABELS, name, n_bootstrap=300, seed=0)
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low), abs=1e-12)


def test_models_that_err_alike_are_compared_more_sharply_than_by_two_intervals():
    references, a, _ = rows("number", 300)
    b = [x + (0.1 if i % 2 else -0.1) for i, x in enumerate(a)]
    found = paired_difference("number", references, a, b, LABELS, "pearson", n_bootstrap=500, seed=0)
    alone = measured("number", references, a)["pearson"]
    assert found.high - found.low < 0.5 * (alone.high - alone.low)


@pytest.mark.parametrize("output", BY_ROW)
def test_no_rows_missing_rows_and_missing_values_are_refused(output):
    references, predictions, _ = rows(output, 3)
    with pytest.raises(InputError, match="at least one row"):
        measured(output, [], [])
    with pytest.raises(InputError, match="found 2 for 3"):
        measured(output, references, predictions[:2])
    with pytest.raises(InputError, match="found 2 for 3"):
        paired_difference(
            output, references, predictions, predictions[:2], LABELS, next(iter(METRICS[output])), n_bootstrap=9, seed=0
        )
    with pytest.raises(InputError, match=r"predictions\[2\] is None"):
        measured(output, references, [*predictions[:2], None])


def test_a_metric_that_the_rows_do_not_have_is_refused():
    one = [(Answer("x", 0),)]
    with pytest.raises(InputError, match="has_answer_f1 is not measured on these rows; choose one of exact_match, f1"):
        paired_difference("span", one, ["x"], ["y"], LABELS, "has_answer_f1", n_bootstrap=9, seed=0)
    with pytest.raises(InputError, match="unknown metric 'f2'"):
        paired_difference("span", one, ["x"], ["y"], LABELS, "f2", n_bootstrap=9, seed=0)
