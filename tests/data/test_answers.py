"""Answers to questions: every layout, and what happens where they are not in their contexts."""

import json

import pytest

from nlptl.core.errors import InputError
from nlptl.core.records import Answer, Example
from nlptl.data.answers import ABSENT, AMBIGUOUS, MOVED, SPACED

CONTEXT = "Paris is big. I love Paris. 😀 Lyon is\nnot far, and Rome is."


def said(call, *args, **settings):
    with pytest.raises(InputError) as caught:
        call(*args, **settings)
    return str(caught.value)


def row(answers, **more):
    return {"question": "Which city?", "context": CONTEXT, "answers": answers, **more}


GOOD = [row({"text": ["Rome"], "answer_start": [CONTEXT.index("Rome")]})] * 3


def label(rows_as, answers, **more):
    return rows_as("span", [*GOOD, row(answers, **more)])[-1].label


def notes(read_as, *rows):
    corpus = read_as("span", [*GOOD, *rows], validation=GOOD)
    return [note.partition("column 'answers': ")[2] for note in corpus.notes if "answers" in note]


def test_question_and_context_fill_the_two_texts(rows_as):
    assert rows_as("span", GOOD[:1]) == [Example(0, "Which city?", CONTEXT, (Answer("Rome", 51),))]


@pytest.mark.parametrize(
    "answers",
    [
        {"text": ["Paris", "Lyon"], "answer_start": [21, 30]},
        [{"text": "Paris", "answer_start": 21}, {"text": "Lyon", "answer_start": 30}],
        [{"text": "Paris", "start": 21}, {"text": "Lyon", "start": "30"}],
        {"text": ("Paris", "Lyon"), "answer_start": (21.0, 30.0)},
        json.dumps({"text": ["Paris", "Lyon"], "answer_start": [21, 30]}),
        str({"text": ["Paris", "Lyon"], "answer_start": [21, 30]}),
        str([{"text": "Paris", "answer_start": 21}, {"text": "Lyon", "answer_start": 30}]),
    ],
)
def test_every_layout_gives_the_same_answers(rows_as, answers):
    assert label(rows_as, answers) == (Answer("Paris", 21), Answer("Lyon", 30))


def test_arrays_are_lists(rows_as):
    import numpy as np
    import pandas as pd

    answers = {"text": np.array(["Lyon"], dtype=object), "answer_start": np.array([30])}
    (example,) = rows_as("span", pd.DataFrame([row(answers)]))
    assert example.label == (Answer("Lyon", 30),)


@pytest.mark.parametrize("column", ["answer_start", "start"])
def test_a_plain_answer_has_its_offset_in_another_column(rows_as, column):
    assert label(rows_as, "Paris", **{column: "21"}) == (Answer("Paris", 21),)


@pytest.mark.parametrize("answers", ["Lyon", ["Lyon"], '["Lyon"]', {"text": "Lyon"}, [{"text": "Lyon"}]])
@pytest.mark.parametrize("start", [None, "", -1])
def test_an_answer_without_an_offset_is_found_where_it_stands_once(rows_as, read_as, answers, start):
    assert label(rows_as, answers, answer_start=start) == (Answer("Lyon", 30),)
    assert notes(read_as, row(answers, answer_start=start)) == []


def test_a_flat_csv_needs_no_offsets(rows_as, write):
    path = write("a.csv", 'question,context,answer\nWhich?,"Lyon, Rome",Rome\nWhich?,Lyon,\n')
    assert [e.label for e in rows_as("span", path)] == [(Answer("Rome", 6),), ()]


@pytest.mark.parametrize(
    "answers", [None, "", " ", [], {"text": [], "answer_start": []}, {"text": [""], "answer_start": [0]}, float("nan")]
)
def test_no_answer_is_an_empty_label(rows_as, read_as, answers):
    assert label(rows_as, answers) == ()
    assert notes(read_as, row(answers)) == []


@pytest.mark.parametrize("impossible", [True, "true", "True", 1])
def test_an_impossible_question_has_no_answer_whatever_stands_there(rows_as, impossible):
    assert label(rows_as, ["Lyon"], is_impossible=impossible) == ()
    assert label(rows_as, ["Lyon"], is_impossible=False) == (Answer("Lyon", 30),)


def test_a_number_is_an_answer(rows_as):
    rows = [{"question": "When?", "context": "In 1973.", "answers": 1973.0}]
    assert rows_as("span", rows)[0].label == (Answer("1973", 3),)


def test_an_answer_may_look_like_a_list(rows_as):
    rows = [{"question": "What?", "context": "See [12] and {a}.", "answers": answer} for answer in ("[12]", "{a}")]
    assert [e.label for e in rows_as("span", rows)] == [(Answer("[12]", 4),), (Answer("{a}", 13),)]


@pytest.mark.parametrize(("start", "found"), [(1, 0), (19, 21), (300, 21), (22, 21)])
def test_a_wrong_offset_moves_to_the_nearest_place(rows_as, read_as, start, found):
    answers = {"text": ["Paris"], "answer_start": [start]}
    assert label(rows_as, answers) == (Answer("Paris", found),)
    assert notes(read_as, row(answers), row("Lyon")) == [f"1 of 5 {MOVED}"]


def test_places_may_overlap(rows_as):
    rows = [{"question": "q", "context": "x aaa", "answers": {"text": ["aa"], "answer_start": [4]}}]
    assert rows_as("span", rows)[0].label == (Answer("aa", 3),)


@pytest.mark.parametrize("start", [len(CONTEXT[:51].encode("utf-16-le")) // 2, len(CONTEXT[:51].encode())])
def test_offsets_that_count_utf16_units_or_bytes_are_repaired(rows_as, start):
    assert start != 51
    assert label(rows_as, {"text": ["Rome"], "answer_start": [start]}) == (Answer("Rome", 51),)


def test_an_answer_that_stands_twice_is_taken_at_its_first_place_and_counted(rows_as, read_as):
    assert label(rows_as, "Paris") == (Answer("Paris", 0),)
    assert notes(read_as, row("Paris"), row(["Paris"])) == [f"2 of 5 {AMBIGUOUS}"]


def test_an_answer_with_other_white_space_is_the_contexts_piece(rows_as, read_as):
    assert label(rows_as, "Lyon is  not") == (Answer("Lyon is\nnot", 30),)
    assert notes(read_as, row("Lyon is not")) == [f"1 of 4 {SPACED}"]


def test_an_answer_that_is_nowhere_is_kept_and_counted(rows_as, read_as):
    assert label(rows_as, {"text": ["Oslo", "Lyon"], "answer_start": [5, 30]}) == (
        Answer("Oslo", -1),
        Answer("Lyon", 30),
    )
    assert notes(read_as, row("Oslo"), row(["paris"])) == [f"2 of 5 {ABSENT}"]


def test_most_answers_nowhere_means_the_wrong_columns(rows_as, read_as):
    half = [*GOOD[:2], row("Oslo"), row("Bern")]
    assert [e.label[0].start for e in rows_as("span", half)] == [51, 51, -1, -1]
    message = said(read_as, "span", [*half, row("Kyiv")])
    assert "train (the list), column 'answers': 3 of 5 answers are not in their contexts" in message
    assert "so the columns are likely wrong: row 2 has the answer 'Oslo' and the context 'Paris is big." in message
    assert "--data.context and --data.answers" in message


@pytest.mark.parametrize(
    ("answers", "more", "words"),
    [
        ({"text": ["a", "b"], "answer_start": [1]}, {}, "found 2 answers and 1 offsets; each answer needs one"),
        ({"answer": "a"}, {}, "found the answer {'answer': 'a'}, expected"),
        ([["a"]], {}, "found the answer ['a'], expected"),
        ({"text": ["Lyon"], "answer_start": ["x"]}, {}, "found the offset 'x', expected a whole number"),
        ("Lyon", {"start": 1.5}, "found the offset 1.5, expected a whole number"),
    ],
)
def test_answers_of_another_form_name_the_row(rows_as, answers, more, words):
    message = said(rows_as, "span", [*GOOD, row(answers, **more)])
    assert "column 'answers', row 3: " in message
    assert words in message


def test_training_without_any_answer_is_an_error(read_as):
    message = said(read_as, "span", [row([])] * 5, validation=GOOD)
    assert "train (the list): all 5 rows have no answer in their context; check --data.context" in message


@pytest.mark.parametrize("missing", ["question", "context", "answers"])
def test_a_missing_column_is_named_by_its_role(read_as, missing):
    rows = [{k: v for k, v in r.items() if k != missing} for r in GOOD]
    assert f"no {missing} column" in said(read_as, "span", rows)
    assert f"--data.{missing}" in said(read_as, "span", rows)


def test_columns_are_named_by_hand_by_their_roles(read_as):
    rows = [{"q": f"Which {i}?", "c": f"{i} Rome", "a": "Rome"} for i in range(20)]
    corpus = read_as("span", rows, question="q", context="c", answers="a")
    assert corpus.columns == {"question": "q", "context": "c", "answers": "a"}
    assert corpus.splits["train"][0].label[0].text == "Rome"


def test_answers_may_be_missing_where_they_are_to_be_predicted(rows_as):
    rows = [{"question": "Which?", "context": "Rome"}]
    assert rows_as("span", rows, need_label=False) == [Example(0, "Which?", "Rome")]


def test_a_list_of_strings_says_what_is_needed(rows_as):
    message = said(rows_as, "span", ["Which city?"], need_label=False)
    assert "a list of strings has no context column; give a list of dicts with question and context" in message
    assert "[{'question': ..., 'context': ...}]" in message


@pytest.mark.parametrize("blank", ["question", "context"])
def test_a_blank_question_or_context_is_a_blank_text(read_as, blank):
    rows = [*GOOD, {**row([]), blank: " "}]
    assert "1 of 4 rows have a blank text (row 3)" in said(read_as, "span", rows, validation=GOOD)
    assert len(read_as("span", rows, validation=GOOD, blank="drop").splits["train"]) == 3


def test_a_test_split_without_answers_is_left_out(read_as):
    given = {"train": GOOD, "validation": GOOD, "test": [row([]), row([])]}
    corpus = read_as("span", given)
    assert list(corpus.splits) == ["train", "validation"]
    assert any("test: left out, the list has no labels" in note for note in corpus.notes)


def test_a_context_never_stands_in_two_splits(read_as):
    rows = [{"question": f"q{i}", "context": f"context {i // 7} Rome", "answers": "Rome"} for i in range(210)]
    for seed in range(5):
        corpus = read_as("span", rows, seed=seed)
        contexts = [{e.text_pair for e in split} for split in corpus.splits.values()]
        assert [len(c) for c in contexts] == [22, 4, 4]
        assert len(set.union(*contexts)) == 30
    assert any("validation: 15 % of train (28 rows), by context" in n for n in corpus.notes)
    assert read_as("span", rows, seed=4).splits == corpus.splits
    assert read_as("span", rows, seed=3).splits != corpus.splits


def test_a_huge_context_stays_in_train():
    from nlptl.data.splits import divide_groups

    groups = ["huge"] * 90 + [f"g{i}" for i in range(10)]
    for seed in range(20):
        parts = divide_groups(groups, {"validation": 0.05, "test": 0.05}, seed)
        assert [len(parts[name]) for name in ("validation", "test", "train")] == [5, 5, 90], seed


def test_too_few_contexts_to_divide_are_said(read_as):
    message = said(read_as, "span", [{**r, "context": f"{i % 2} Rome"} for i, r in enumerate(GOOD * 4)])
    assert all(fact in message for fact in ("12 rows are too few", "test", "context", "--data.test"))


def test_three_contexts_are_enough(read_as):
    corpus = read_as("span", [{**r, "context": f"{i % 3} Rome", "answers": "Rome"} for i, r in enumerate(GOOD * 4)])
    assert [len(split) for split in corpus.splits.values()] == [4, 4, 4]
