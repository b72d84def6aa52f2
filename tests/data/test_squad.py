"""SQuAD's own files, a row a question."""

import json
from copy import deepcopy

import pytest

from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError
from nlptl.core.records import Answer
from nlptl.data import open_rows

ROME = {"id": "1", "question": "Which?", "answers": [{"text": "Rome", "answer_start": 3}]}
NONE = {
    "id": "2",
    "question": "Who?",
    "answers": [{"text": "Rome", "answer_start": 3}],
    "plausible_answers": [{"text": "Rome", "answer_start": 3}],
    "is_impossible": True,
}
OSLO = {"id": "3", "question": "Where?", "answers": [{"text": "Oslo", "answer_start": 0}], "is_impossible": False}
FILE = {
    "version": "v2.0",
    "data": [
        {"title": "Italy", "paragraphs": [{"context": "In Rome.", "qas": [ROME, NONE]}]},
        {
            "title": "Norway",
            "paragraphs": [{"context": "No questions.", "qas": []}, {"context": "Oslo", "qas": [OSLO]}],
        },
    ],
}


@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
def test_questions_are_rows_in_the_files_order(rows_as, write, name):
    import gzip

    content = json.dumps(FILE).encode()
    examples = rows_as("span", write(name, gzip.compress(content) if name.endswith("gz") else content))
    assert [(e.text, e.text_pair, e.label) for e in examples] == [
        ("Which?", "In Rome.", (Answer("Rome", 3),)),
        ("Who?", "In Rome.", ()),
        ("Where?", "Oslo", (Answer("Oslo", 0),)),
    ]


def test_ids_and_titles_are_kept(write):
    rows = list(open_rows(write("a.json", json.dumps(FILE)), DataConfig()))
    assert [(row["id"], row["title"]) for row in rows] == [("1", "Italy"), ("2", "Italy"), ("3", "Norway")]


def test_a_file_without_answers_has_no_answers_column(rows_as, write):
    content = deepcopy(FILE)
    for article in content["data"]:
        for paragraph in article["paragraphs"]:
            paragraph["qas"] = [{"id": q["id"], "question": q["question"]} for q in paragraph["qas"]]
    path = write("a.json", json.dumps(content))
    assert [e.label for e in rows_as("span", path, need_label=False)] == [None, None, None]
    with pytest.raises(InputError, match="no answers column"):
        rows_as("span", path)


def broken(change):
    content = deepcopy(FILE)
    change(content["data"][1])
    return json.dumps(content)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda a: a["paragraphs"][1].pop("context"),
            ["article 1 ('Norway'), a paragraph has no 'context', found qas"],
        ),
        (lambda a: a["paragraphs"][1].pop("qas"), ["a paragraph has no 'qas', found context"]),
        (lambda a: a["paragraphs"][1]["qas"][0].pop("question"), ["question '3' has no 'question'"]),
        (lambda a: a.update(paragraphs="x"), ["'paragraphs' is a str, expected a list"]),
        (lambda a: a.update(paragraphs=["x"]), ["a paragraph has no 'qas', found str"]),
    ],
)
def test_a_part_that_is_missing_is_named(rows_as, write, change, words):
    with pytest.raises(InputError) as caught:
        rows_as("span", write("a.json", broken(change)))
    assert [word for word in ["a.json", *words] if word not in str(caught.value)] == [], caught.value


def test_a_file_without_questions_is_said(rows_as, write):
    content = {"data": [{"title": "x", "paragraphs": []}]}
    with pytest.raises(InputError, match=r"a\.json has no questions"):
        rows_as("span", write("a.json", json.dumps(content)))
