"""Half an emoji and other characters that break files: replaced and counted, or refused with the row."""

import json
import os

import pytest

from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError
from nlptl.data import load_split, stream

HALF = "\ud83d"
"""The first half of an emoji, as json.loads gives it."""
BAD_ARGUMENT = os.fsdecode(b"caf\xe9")
"""An argument that is not UTF-8, as Python gives it."""


@pytest.mark.parametrize("text", [f"so good {HALF}", BAD_ARGUMENT, f"{HALF}{HALF}"])
def test_half_a_character_in_a_text_is_replaced_told_and_counted(columns, caplog, text):
    rows = [{"text": "fine \U0001f600"}, {"text": text}, {"text": text}]
    examples = load_split(rows, DataConfig(), columns, need_label=False)
    assert [len(e.text) for e in examples] == [6, len(text), len(text)]
    assert "\ufffd" in examples[1].text
    json.dumps([e.text for e in examples], ensure_ascii=False).encode()
    assert "2 of 3 rows hold half a character" in caplog.text
    assert "rows 1, 2" in caplog.text


def test_a_training_run_notes_the_rows(read, write, rows):
    rows[3]["text"] += HALF
    corpus = read(write("a.jsonl", "\n".join(map(json.dumps, rows))))
    assert [e.text for split in corpus.splits.values() for e in split if e.row_id == 3] == ["text 3\ufffd"]
    assert any("1 of 40 rows hold half a character" in note and "row 3" in note for note in corpus.notes)


def test_texts_that_are_predicted_part_by_part_are_told_by_their_row_in_the_file(write, columns, caplog, monkeypatch):
    monkeypatch.setattr("nlptl.data.streaming.N_ROWS", 2)
    path = write("a.jsonl", "\n".join(json.dumps({"text": t}) for t in ("a", "b", "c", HALF)))
    assert [e.text for part in stream(path, DataConfig(), columns) for e in part] == ["a", "b", "c", "\ufffd"]
    assert "row 3" in caplog.text


def test_a_list_of_texts_is_told_too(columns, caplog):
    assert load_split([HALF], DataConfig(), columns, need_label=False)[0].text == "\ufffd"
    assert "row 0" in caplog.text


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("tags", {"tokens": ["a", f"b{HALF}"], "tags": ["O", "B-x"]}),
        ("tags", {"text": f"a b{HALF}", "entities": [[2, 4, "x"]]}),
        ("span", {"question": HALF, "context": f"a b{HALF} c", "answers": {"text": [f"b{HALF}"], "answer_start": [2]}}),
        ("text", {"text": HALF, "summary": f"s{HALF}"}),
        ("number", {"text": HALF, "score": 1}),
    ],
)
def test_every_kind_of_answer_keeps_its_offsets_and_is_valid(rows_as, kind, row, caplog):
    (example,) = rows_as(kind, [row])
    json.dumps([example.text, example.text_pair, example.label], ensure_ascii=False).encode()
    assert "half a character" in caplog.text
    if kind == "tags":
        assert example.words == ((0, 1), (2, 4))
    if kind == "span":
        assert example.label == (("b\ufffd", 2),)


def test_half_a_character_in_an_array_of_words_is_counted(rows_as, caplog):
    import numpy as np
    import pandas as pd

    frame = pd.DataFrame({"tokens": [np.array(["a", HALF], dtype=object)], "tags": [["O", "B-x"]]})
    assert rows_as("tags", frame)[0].text == "a \ufffd"
    assert "1 of 1 rows" in caplog.text


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("classes", {"text": "a", "label": ["x", f"y{HALF}"]}),
        ("tags", {"tokens": ["a"], "tags": [f"B-{HALF}"]}),
        ("tags", {"text": "ab", "entities": [[0, 1, HALF]]}),
    ],
)
def test_half_a_character_in_a_label_is_refused_with_its_row(rows_as, kind, row):
    with pytest.raises(InputError, match=r"row 0.*\\ud83d.*half a character"):
        rows_as(kind, [row])


def test_half_a_character_in_a_class_and_in_a_new_name_is_refused(columns, read, rows):
    with pytest.raises(InputError, match=r"row 1.*\\ud83d.*half a character"):
        load_split([{"text": "a", "label": "x"}, {"text": "a", "label": HALF}], DataConfig(), columns, need_label=True)
    with pytest.raises(InputError, match=r"label_names.*half a character"):
        read(rows, label_names={"good": BAD_ARGUMENT})


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl"])
def test_nul_characters_are_characters(write, columns, name):
    rows = {"a.csv": "text,label\na\0b,x\n\0,y\n", "a.tsv": "text\tlabel\na\0b\tx\n\0\ty\n"}
    content = rows.get(name, '{"text": "a\\u0000b", "label": "x"}\n{"text": "\\u0000", "label": "y"}\n')
    examples = load_split(write(name, content), DataConfig(), columns, need_label=True)
    assert [(e.text, e.label) for e in examples] == [("a\0b", "x"), ("\0", "y")]


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl"])
def test_a_line_of_many_megabytes_is_read(write, columns, name):
    long = "wort " * 1_000_000
    content = {"a.csv": f"text,label\n{long},x\n", "a.tsv": f"text\tlabel\n{long}\tx\n"}
    path = write(name, content.get(name, json.dumps({"text": long, "label": "x"})))
    assert load_split(path, DataConfig(), columns, need_label=True)[0].text == long
