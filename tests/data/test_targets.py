"""Numbers to predict, and texts to write."""

import json

import pytest

from nlptl.core.errors import InputError


def said(call, *args, **settings):
    with pytest.raises(InputError) as caught:
        call(*args, **settings)
    return str(caught.value)


def rows(labels):
    return [{"text": f"t{i}", "label": label} for i, label in enumerate(labels)]


@pytest.mark.parametrize(
    ("cell", "number"), [(3, 3.0), (2.5, 2.5), (" 4.250 ", 4.25), ("-1e-3", -0.001), ("5.", 5.0), ("+.5", 0.5)]
)
def test_numbers_are_floats(rows_as, cell, number):
    (example,) = rows_as("number", rows([cell]))
    assert example.label == number
    assert type(example.label) is float


def test_numpy_scalars_are_numbers(rows_as):
    import numpy as np

    assert [e.label for e in rows_as("number", rows([np.float32(0.5), np.int64(2)]))] == [0.5, 2.0]


@pytest.mark.parametrize("cell", ["3,5", "n/a", [1.0], {"a": 1}, "nan", "inf", "1_000", float("inf"), True, "12 kg"])
def test_targets_that_are_no_numbers_give_row_and_column(rows_as, cell):
    message = said(rows_as, "number", rows([1.0, cell, 2.0]))
    assert "the list, column 'label': 1 of 3 rows have targets that are not numbers: row 1 has" in message
    assert "decimal point" in message and "3.5" in message


def test_many_wrong_targets_are_counted_and_the_first_shown(rows_as):
    message = said(rows_as, "number", rows([1.0, *("abcde")]))
    assert "5 of 6 rows have targets that are not numbers: row 1 has 'a', row 2 has 'b', row 3 has 'c';" in message


@pytest.mark.parametrize("cell", [None, "", " ", float("nan")])
def test_a_missing_number_is_a_missing_label(rows_as, cell):
    assert "1 of 2 rows have no label (row 1)" in said(rows_as, "number", rows([1.0, cell]))
    assert rows_as("number", rows([cell]), need_label=False)[0].label is None


def test_json_with_a_list_as_target_is_said(read_as, write):
    path = write("a.jsonl", "\n".join(map(json.dumps, rows([1, 2, [3]]))))
    assert "row 2 has [3]" in said(read_as, "number", path)


def test_numbers_that_never_differ_are_an_error(read_as):
    assert "all 14 rows have the number 2.5" in said(read_as, "number", rows([2.5] * 20))


def test_numbers_are_divided_at_random_and_need_not_occur_in_train(read_as):
    corpus = read_as("number", rows(range(100)))
    assert [len(split) for split in corpus.splits.values()] == [70, 15, 15]
    assert any("validation: 15 % of train (15 rows), at random, seed 0" in note for note in corpus.notes)


@pytest.mark.parametrize("kind", ["number", "text", "span"])
def test_what_has_no_names_cannot_be_renamed(read_as, kind):
    train = [{"text": "x", "label": 1, "question": "q", "context": "c", "answers": "c"}]
    message = said(read_as, kind, train, label_names={"1": "one"})
    assert f"predicts a {kind}" in message and "data.label_names" in message


def test_texts_to_write_stay_as_they_are(rows_as):
    assert [e.label for e in rows_as("text", rows([" Two  words\n", 3]))] == [" Two  words\n", "3"]


@pytest.mark.parametrize("cell", ["", " \n", None])
def test_a_blank_target_is_a_missing_label(rows_as, cell):
    assert "1 of 2 rows have no label (row 1)" in said(rows_as, "text", rows(["x", cell]))


def test_a_list_of_targets_is_said(rows_as):
    assert "row 1: found a list of 2 target texts, expected one string" in said(
        rows_as, "text", rows(["x", ["y", "z"]])
    )


def test_texts_to_write_may_all_be_the_same(read_as):
    assert [len(split) for split in read_as("text", rows(["same"] * 20)).splits.values()] == [14, 3, 3]


@pytest.mark.parametrize("second", ["", "  ", None])
def test_a_pair_with_one_side_missing_is_a_blank_text(read_as, second):
    train = [{"text": f"a{i}", "text_pair": f"b{i}", "label": i} for i in range(20)]
    train[3]["text_pair"] = second
    message = said(read_as, "number", train)
    assert "1 of 20 rows have a blank text (row 3); fill or remove them, or set --data.blank drop|keep" in message
    dropped = read_as("number", train, blank="drop")
    assert sorted(e.row_id for split in dropped.splits.values() for e in split) == [i for i in range(20) if i != 3]
    assert sum(map(len, read_as("number", train, blank="keep").splits.values())) == 20


def test_a_pair_whose_column_some_rows_lack_is_blank_there(read_as):
    train = [{"text": f"a{i}", "text_pair": f"b{i}", "label": i} for i in range(20)]
    del train[5]["text_pair"]
    assert "blank text (row 5)" in said(read_as, "number", train)
