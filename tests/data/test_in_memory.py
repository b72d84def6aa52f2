"""Data given in Python: texts with their labels, arrays, and frames of every dtype."""

import numpy as np
import pandas as pd
import pytest

from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError
from nlptl.core.records import Example
from nlptl.data import load_split, stream

TEXTS, LABELS = ["a", "b", "c"], ["x", "y", "x"]
ROWS = [Example(i, text, None, label) for i, (text, label) in enumerate(zip(TEXTS, LABELS, strict=True))]


def column(values):
    import datasets

    return datasets.Dataset.from_dict({"v": values})["v"]


def arrow(values):
    import pyarrow

    return pyarrow.chunked_array([values])


KINDS = {
    "list": list,
    "tuple": tuple,
    "array": np.array,
    "objects": lambda values: np.array(values, dtype=object),
    "strings": lambda values: np.array(values, dtype=np.dtypes.StringDType()),
    "series": lambda values: pd.Series(values, index=[7, 8, 9]),
    "category": lambda values: pd.Series(values, dtype="category"),
    "column": column,
    "arrow": arrow,
}


def said(call, *args, **settings):
    with pytest.raises(InputError) as caught:
        call(*args, **settings)
    return str(caught.value)


def read(source, columns, **settings):
    return load_split(source, DataConfig(**settings), columns, need_label=True)


@pytest.mark.parametrize("kind", KINDS)
def test_texts_and_labels_are_rows(columns, kind):
    pair = KINDS[kind](TEXTS), KINDS[kind](LABELS)
    assert read(pair, columns) == ROWS
    assert read(pair, columns, text="review", label="stars") == ROWS


@pytest.mark.parametrize("kind", KINDS)
def test_texts_alone_are_predicted(columns, kind):
    found = [e for part in stream(KINDS[kind](TEXTS), DataConfig(), columns) for e in part]
    assert [e.text for e in found] == TEXTS


def test_texts_and_labels_are_trained_on_by_split(read, rows):
    texts, labels = [row["text"] for row in rows], [row["label"] for row in rows]
    corpus = read({"train": (texts, labels), "test": (texts[:4], np.array(labels[:4]))})
    assert [len(split) for split in corpus.splits.values()] == [34, 6, 4]


def test_lists_of_labels_and_of_words_are_pairs_too(rows_as):
    assert rows_as("classes", (["a"], [["x", "y"]]))[0].label == ("x", "y")
    assert rows_as("number", (["a", "b"], np.array([1.5, 2])))[1].label == 2.0


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ((["a", "b"], ["x"]), "found 2 texts and 1 labels"),
        (([], []), "no rows"),
        ((["a"], np.zeros((1, 2))), "row 0 is a list"),
        ([["a"], ["x"]], "(texts, labels)"),
    ],
)
def test_texts_and_labels_that_do_not_fit_are_told(columns, source, words):
    assert words in said(read, source, columns)


@pytest.mark.parametrize("kind", ["list", "objects", "series"])
def test_what_is_no_text_among_texts_is_named_by_its_own_row(columns, kind):
    source = KINDS[kind](["a", None, "c"])
    assert "row 1 is a" in said(load_split, source, DataConfig(), columns, need_label=False)


def test_missing_values_of_pandas_are_missing_in_dicts_too(columns):
    rows = [{"text": pd.NA, "label": pd.NA}, {"text": pd.NaT, "label": pd.NaT}]
    assert load_split(rows, DataConfig(), columns, need_label=False) == [Example(0, ""), Example(1, "")]
    assert "2 of 2 rows have no label" in said(read, rows, columns)
