"""Folds of the training rows: a row is held out at most once, and no label is held out as a whole."""

import pytest

from nlptl import InputError, data
from nlptl.core.records import Answer, Example


def rows(labels, pairs=None):
    return [Example(i, f"text {i}", None if pairs is None else pairs[i], label, None) for i, label in enumerate(labels)]


def ids(examples):
    return [e.row_id for e in examples]


def test_every_row_is_held_out_once_but_one_of_each_label():
    examples = rows(["a"] * 60 + ["b"] * 30 + ["c"] * 10)
    folds = data.folds(examples, "class", 5, seed=0)
    held_out = [i for _, others in folds for i in ids(others)]
    assert len(held_out) == len(set(held_out)) >= 100 - 3
    for kept, others in folds:
        assert sorted(ids(kept) + ids(others)) == list(range(100))
        assert 17 <= len(others) <= 20
        assert {e.label for e in kept} == {"a", "b", "c"}
        assert sum(e.label == "a" for e in others) == pytest.approx(12, abs=1)


def test_single_rows_of_a_label_are_never_held_out():
    examples = rows(["a"] * 20 + ["b"] * 20 + ["rare"])
    assert all(40 in ids(kept) for kept, _ in data.folds(examples, "class", 5, seed=1))


def test_questions_about_one_context_stay_together():
    contexts = [f"context {i // 4}" for i in range(80)]
    examples = rows([(Answer("x", 0),)] * 80, contexts)
    for kept, others in data.folds(examples, "span", 5, seed=0):
        assert not {e.text_pair for e in kept} & {e.text_pair for e in others}
        assert 12 <= len(others) <= 16


def test_the_same_seed_gives_the_same_folds():
    examples = rows(["a", "b"] * 30)
    assert data.folds(examples, "class", 5, seed=3) == data.folds(examples, "class", 5, seed=3)
    assert data.folds(examples, "class", 5, seed=3) != data.folds(examples, "class", 5, seed=4)


def test_few_rows_give_fewer_folds_and_none_is_empty():
    folds = data.folds(rows(["a"] * 3 + ["b"] * 3), "class", 5, seed=0)
    assert 1 <= len(folds) < 5
    assert all(others for _, others in folds)
    contexts = data.folds(rows([(Answer("x", 0),)] * 9, [f"context {i // 3}" for i in range(9)]), "span", 5, seed=0)
    assert [len(others) for _, others in contexts] == [3, 3]


def test_too_few_rows_are_an_error():
    with pytest.raises(InputError, match="2 rows are too few"):
        data.folds(rows(["a", "b"]), "class", 5, seed=0)
