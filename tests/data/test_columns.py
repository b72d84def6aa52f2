"""Which column plays which role."""

import re

import pytest

from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError
from nlptl.core.records import Column
from nlptl.data.columns import Wish, choose_columns
from nlptl.data.table import Table


def chosen(columns, names, train=None, **settings):
    table = Table("here", [dict.fromkeys(names, "x")])
    return choose_columns(table, Wish(columns, DataConfig(**settings), train or {}))


def test_the_best_usual_name_wins_and_the_others_are_noted(columns):
    choice = chosen(columns, ["id", "review", "stars", "text", "sentiment"])
    assert choice.names == {"text": "text", "label": "sentiment"}
    assert len(choice.notes) == 2
    assert re.search("column 'text'.* not 'review'.*--data.text", choice.notes[0])
    assert re.search("column 'sentiment'.* not 'stars'.*--data.label", choice.notes[1])


def test_nothing_is_noted_where_there_was_no_choice(columns):
    assert chosen(columns, ["text", "label", "id"]).notes == ()


def test_names_match_without_case_where_they_do_not_match_exactly(columns):
    assert chosen(columns, ["Review", "LABEL"]).names == {"text": "Review", "label": "LABEL"}
    assert chosen(columns, ["TEXT", "text", "label"]).names["text"] == "text"


def test_names_match_without_blanks_marks_and_invisible_characters_around_them(columns):
    names = ["\ufeff Review", "label\u00a0"]
    assert chosen(columns, names).names == {"text": names[0], "label": names[1]}


def test_a_column_given_by_hand_wins(columns):
    choice = chosen(columns, ["text", "title", "label"], text="title")
    assert choice.names == {"text": "title", "label": "label"}
    assert choice.notes == ()


def test_a_column_given_by_hand_is_not_found_for_another_role(columns):
    choice = chosen(columns, ["sentence", "sentence2", "label"], text="sentence2")
    assert choice.names == {"text": "sentence2", "label": "label"}


def test_optional_columns_are_found_but_not_missed(columns):
    assert chosen(columns, ["text", "sentence2", "label"]).names["text_pair"] == "sentence2"
    assert "text_pair" not in chosen(columns, ["text", "label"]).names


def test_other_splits_take_trains_column_before_a_better_name(columns):
    assert chosen(columns, ["text", "review", "label"], train={"text": "review"}).names["text"] == "review"


def test_a_split_that_lacks_trains_column_uses_a_usual_name_and_says_so(read, rows):
    corpus = read(rows, validation=[{"review": "x", "label": "good"}])
    assert corpus.splits["validation"][0].text == "x"
    assert any("validation: the text column is 'review', in train 'text'" in note for note in corpus.notes)


def test_a_column_given_by_hand_applies_to_all_splits(read):
    train = [{"text": "wrong", "body": f"b{i}", "label": i % 2} for i in range(20)]
    corpus = read(train, text="body", validation=[{"text": "wrong", "body": "v", "label": 1}])
    assert corpus.columns == {"text": "body", "label": "label"}
    assert corpus.splits["validation"][0].text == "v"


def test_pairs_are_read(read):
    rows = [{"sentence": f"a{i}", "sentence2": i, "label": i % 2} for i in range(20)]
    corpus = read(rows)
    assert corpus.columns == {"text": "sentence", "text_pair": "sentence2", "label": "label"}
    assert all(e.text_pair == str(e.row_id) for e in corpus.splits["train"])


def test_a_key_that_some_rows_lack_is_a_column_all_the_same(read, rows):
    rows[0].pop("text")
    corpus = read(rows, blank="drop")
    assert sum(map(len, corpus.splits.values())) == 39


def test_a_column_of_a_users_own_task_is_not_told_to_be_named_with_a_flag():
    own = [Column("headline", ("headline", "title"), fills="text")]
    with pytest.raises(InputError, match="rename it to 'headline'") as refused:
        chosen(own, ["body"])
    assert "--data" not in str(refused.value)
    (note,) = chosen(own, ["headline", "title"]).notes
    assert "--data" not in note
