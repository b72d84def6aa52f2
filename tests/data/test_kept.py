"""Columns that are kept beside the examples: the value of each row id."""

import pytest

from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError
from nlptl.data import load
from tests.data.conftest import COLUMNS

ROWS = [{"text": f"text {i}", "label": "ab"[i % 2], "shop": f"s{i}"} for i in range(40)]


def kept(**config):
    return load(DataConfig(**config), COLUMNS, sample="", seed=0, keep=["shop"])


def test_divided_rows_find_their_value_by_their_id():
    corpus = kept(train=ROWS, n_train=10)
    assert set(corpus.splits) == {"train", "validation", "test"}
    for split, examples in corpus.splits.items():
        values = corpus.kept[split]["shop"]
        assert [values[e.row_id] for e in examples] == [f"s{e.text.split()[1]}" for e in examples]


def test_dropped_rows_move_no_value():
    rows = [ROWS[0] | {"text": " "}, *ROWS[1:]]
    corpus = kept(train=rows, validation=ROWS, blank="drop")
    values = corpus.kept["train"]["shop"]
    assert [values[e.row_id] for e in corpus.splits["train"]] == [f"s{i}" for i in range(1, 40)]


WITHOUT = [{"text": row["text"], "label": row["label"]} for row in ROWS]


def test_the_rows_that_are_evaluated_must_have_the_column():
    words = "has no column 'shop', which --eval.slices names; found .*'text'"
    for config, where in (
        ({"train": WITHOUT}, "train"),
        ({"train": ROWS, "validation": WITHOUT}, "validation"),
        ({"train": ROWS, "validation": ROWS, "test": WITHOUT}, "test"),
    ):
        with pytest.raises(InputError, match=f"^{where} .*{words}"):
            kept(**config)


def test_other_rows_need_not_have_it():
    corpus = kept(train=WITHOUT, test=ROWS)
    assert corpus.kept["train"] == corpus.kept["validation"] == {}
    assert len(corpus.kept["test"]["shop"]) == 40


def test_nothing_is_kept_unasked():
    corpus = load(DataConfig(train=ROWS), COLUMNS, sample="", seed=0)
    assert set(map(len, corpus.kept.values())) == {0}
