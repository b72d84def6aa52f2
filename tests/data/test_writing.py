"""Predictions of every kind beside their rows, in every format; columns of any type."""

import csv
import datetime
import io
import json
import math

import pyarrow.parquet as pq
import pytest

from nlptl.core.errors import InputError
from nlptl.core.records import Prediction
from nlptl.data import Predicted, check_writable, lines, write_parquet
from nlptl.data.rows import open_rows

SPAN = {"text": "Ann", "start": 0, "end": 3, "label": "PER", "score": 0.5}
ANSWER = {"text": "here", "start": 4, "end": 8, "score": 0.5}
ANSWERS = {
    "class": [Prediction(0, "a", {"a": 0.75, "b": 0.25}), Prediction(1, "b", {"a": 0.25, "b": 0.75})],
    "classes": [Prediction(0, ["a", "b"], {"a": 0.75, "b": 0.5}), Prediction(1, [], {"a": 0.25, "b": 0.25})],
    "number": [Prediction(0, 2.5, {}), Prediction(1, -1.0, {})],
    "tags": [Prediction(0, ["B-PER", "O"], {}, [SPAN]), Prediction(1, ["O"], {}, [])],
    "span": [
        Prediction(0, "here", {"answer": 0.5, "no_answer": 0.5}, [ANSWER]),
        Prediction(1, "", {"answer": 0.25, "no_answer": 0.75}, []),
    ],
    "text": [Prediction(0, "a house\nof two lines", {}), Prediction(1, 'with "quotes"\tand tabs', {})],
}


def predicted(rows, answers=ANSWERS["class"], size=1):
    """Returns rows with their predictions, in parts."""
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    parts = [(rows[i : i + size], answers[i : i + size]) for i in range(0, len(rows), size)]
    return Predicted(columns, answers[0], parts, lambda: [part for part, _ in parts])


def parquet(found, folder):
    write_parquet(found, folder / "out.parquet")
    return pq.read_table(folder / "out.parquet")


@pytest.mark.parametrize("kind", ANSWERS)
def test_every_kind_of_answer_stands_in_every_format(tmp_path, kind):
    rows, answers = [{"text": "x"}, {"text": "y"}], ANSWERS[kind]
    nested = [json.loads(line) for line in lines(predicted(rows, answers), ".jsonl")]
    for row, answer in zip(nested, answers, strict=True):
        assert (row["prediction"], row["scores"]) == (answer.prediction, answer.scores)
        assert row.get("spans") == answer.spans
    table = parquet(predicted(rows, answers), tmp_path)
    assert table.column("prediction").to_pylist() == [answer.prediction for answer in answers]
    flat = list(csv.DictReader(io.StringIO("".join(lines(predicted(rows, answers), ".csv"))), strict=True))
    assert [list(row) for row in flat] == [table.column_names] * 2
    for row, answer in zip(flat, answers, strict=True):
        text = answer.prediction if isinstance(answer.prediction, str) else json.dumps(answer.prediction)
        assert row["prediction"] == text
        assert [float(row[f"scores.{name}"]) for name in answer.scores] == list(answer.scores.values())


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_what_is_written_is_read_as_it_was(tmp_path, suffix):
    from nlptl.core.config import DataConfig

    texts = ['say "no", twice', "two\nlines", "a\ttab", "中文 👩‍👩‍👧", "", " blank ", "\x1b[31m\u202e", "'quoted'"]
    answers = [Prediction(i, "a", {"a": 1.0}) for i in range(len(texts))]
    found, path = predicted([{"text": text} for text in texts], answers, size=3), tmp_path / f"out{suffix}"
    if suffix == ".parquet":
        write_parquet(found, path)
    else:
        path.write_text("".join(lines(found, suffix)), encoding="utf-8", newline="")
    assert [row["text"] for row in open_rows(path, DataConfig())] == texts


def test_names_of_nlptl_and_of_the_source_are_told_apart_by_a_rule():
    columns = ("row_id", "text", "prediction", "input.prediction", "scores", "scores.a", "scores.z", "spans")
    found = Predicted(columns, ANSWERS["class"][0], [])
    assert found.renamed == {
        "row_id": "input.row_id",
        "text": "text",
        "prediction": "input.input.prediction",
        "input.prediction": "input.prediction",
        "scores": "input.scores",
        "scores.a": "input.scores.a",
        "scores.z": "scores.z",
        "spans": "input.spans",
    }
    assert len(set(found.header)) == len(found.header)


def test_columns_of_parquet_have_the_type_that_all_their_values_share(tmp_path):
    day = datetime.date(2020, 1, 2)
    rows = [
        {"int": 1, "mixed": 1, "late": None, "list": [1], "none": None, "day": day, "grows": 1, "half": "ok"},
        {"int": 2, "mixed": "b", "late": "x", "list": [2.5], "none": None, "day": day, "grows": 2.5, "half": "\ud83d"},
    ]
    table = parquet(predicted(rows), tmp_path)
    kinds = {field.name: str(field.type) for field in table.schema}
    assert (
        kinds
        | {
            "int": "int64",
            "mixed": "string",
            "late": "string",
            "list": "list<element: double>",
            "none": "string",
            "day": "date32[day]",
            "grows": "double",
            "half": "string",
        }
        == kinds
    )
    assert table.column("mixed").to_pylist() == ["1", "b"]
    assert table.column("late").to_pylist() == [None, "x"]
    assert table.column("half").to_pylist() == ["ok", "\\ud83d"]


def test_rows_of_jsonl_may_lack_columns(tmp_path):
    rows = [{"text": "x"}, {"text": "y", "more": [1]}]
    assert [list(json.loads(line)) for line in lines(predicted(rows), ".jsonl")] == [
        ["row_id", "text", "prediction", "scores"],
        ["row_id", "text", "more", "prediction", "scores"],
    ]
    assert [row["more"] for row in csv.DictReader("".join(lines(predicted(rows), ".csv")).splitlines())] == ["", "[1]"]
    assert parquet(predicted(rows), tmp_path).column("more").to_pylist() == [None, [1]]


def test_json_never_holds_nan(tmp_path):
    rows = [{"a": math.nan, "b": [math.inf]}, {"a": 1.0, "b": [2.0]}]
    (first, _) = lines(predicted(rows), ".jsonl")
    assert json.loads(first, parse_constant=pytest.fail)["a"] is None


def test_ascii_output_of_json_means_the_same():
    rows = [{"text": "中文 👩"}, {"text": "é"}]
    written = list(lines(predicted(rows), ".jsonl", ascii_only=True))
    assert all(line.isascii() for line in written)
    assert [json.loads(line)["text"] for line in written] == ["中文 👩", "é"]


@pytest.mark.parametrize(("name", "hint"), [("out.cvs", "did you mean '.csv'"), ("out", "no suffix")])
def test_another_suffix_is_named_with_the_nearest(tmp_path, name, hint):
    with pytest.raises(InputError, match=hint):
        check_writable(tmp_path / name)


def test_rows_are_written_as_they_come():
    taken = []

    def parts():
        for i in range(3):
            taken.append(i)
            yield [{"text": "x"}], [ANSWERS["class"][0]]

    written = lines(Predicted(("text",), ANSWERS["class"][0], parts()), ".csv")
    next(written)
    assert taken == []
    next(written)
    assert taken == [0]
