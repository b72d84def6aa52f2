"""New rows come part by part: the same as all at once, in order, and only a part is read at a time."""

import json

import pandas
import pytest

from nlptl import Classification, DataConfig, ExtractiveQA, InputError, Regression, TokenClassification
from nlptl.data import NewRows, load_split, open_rows, stream, without_texts

TEXTS = [f"text number {i}" for i in range(10)]


@pytest.fixture(autouse=True)
def _three_at_a_time(monkeypatch):
    monkeypatch.setattr("nlptl.data.streaming.N_ROWS", 3)


def write_texts(frame, folder):
    folder.mkdir()
    for i, text in enumerate(frame["text"]):
        (folder / f"{i}.txt").write_text(text, encoding="utf-8")


FILES = {
    **dict.fromkeys(("csv", "csv.gz", "csv.bz2", "csv.zip"), lambda frame, path: frame.to_csv(path, index=False)),
    "tsv": lambda frame, path: frame.to_csv(path, index=False, sep="\t"),
    "jsonl": lambda frame, path: frame.to_json(path, orient="records", lines=True),
    "json": lambda frame, path: frame.to_json(path, orient="records"),
    "parquet": lambda frame, path: frame.to_parquet(path),
    "xlsx": lambda frame, path: frame.to_excel(path, index=False),
    "folder": write_texts,
}
VALUES = {
    "frame": lambda frame: frame,
    "dicts": lambda frame: frame.to_dict("records"),
    "pair": lambda frame: (frame["text"], frame["label"].to_numpy()),
    "array": lambda frame: frame["text"].to_numpy(),
    "texts": lambda _: TEXTS,
}


def written(folder, kind):
    """Returns a file of the rows, or what else may hold them."""
    frame = pandas.DataFrame({"text": TEXTS, "label": ["a", "b"] * 5})
    if kind in VALUES:
        return VALUES[kind](frame)
    path = folder / f"rows.{kind}"
    FILES[kind](frame, path)
    return str(path)


@pytest.mark.parametrize("kind", [*FILES, *VALUES])
def test_the_parts_are_what_is_read_at_once(tmp_path, kind):
    source = written(tmp_path, kind)
    found = list(stream(source, DataConfig(), Classification().columns))
    assert [len(part) for part in found] == [3, 3, 3, 1]
    assert [e.row_id for part in found for e in part] == list(range(10))
    whole = load_split(source, DataConfig(), Classification().columns, need_label=False)
    assert [e for part in found for e in part] == whole


def test_words_are_read_part_by_part_too(tmp_path):
    path = tmp_path / "words.conll"
    path.write_text("".join(f"Ann O\nsaw O\nBob{i} O\n\n" for i in range(7)), encoding="utf-8")
    found = list(stream(path, DataConfig(), TokenClassification().columns))
    assert [len(part) for part in found] == [3, 3, 1]
    whole = load_split(path, DataConfig(), TokenClassification().columns, need_label=False)
    assert [e for part in found for e in part] == whole


def test_no_more_is_read_than_is_asked_for(tmp_path, monkeypatch):
    n_read = 0

    def counted(path, config):
        nonlocal n_read
        for row in open_rows(path, config):
            n_read += 1
            yield row

    monkeypatch.setattr("nlptl.data.streaming.open_rows", counted)
    parts = stream(written(tmp_path, "jsonl"), DataConfig(), Classification().columns)
    assert n_read == 0
    next(parts)
    assert n_read == len(TEXTS) + 3  # all for the columns, then one part


def test_an_error_names_the_row_in_the_file(tmp_path):
    path = tmp_path / "rows.jsonl"
    rows = [{"text": text} for text in TEXTS]
    rows[7] = {"text": ["no", "text"]}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    parts = stream(path, DataConfig(), Classification().columns)
    assert len(next(parts)) == len(next(parts)) == 3
    with pytest.raises(InputError, match=r"column 'text', row 7"):
        next(parts)


def test_the_label_column_is_not_read(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a", "label": {"not": "a label"}}\n{"text": "b"}\n', encoding="utf-8")
    assert [e.text for part in stream(path, DataConfig(), Classification().columns) for e in part] == ["a", "b"]


def test_an_optional_column_that_begins_in_a_later_part_is_read(tmp_path):
    path = tmp_path / "rows.jsonl"
    rows = [{"text": text} for text in TEXTS[:4]] + [{"text": text, "text_pair": "another"} for text in TEXTS[4:]]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = [e for part in stream(path, DataConfig(), Classification().columns) for e in part]
    whole = load_split(path, DataConfig(), Classification().columns, need_label=False)
    assert [e.text_pair for e in found] == [e.text_pair for e in whole]


@pytest.mark.parametrize(
    ("task", "labels"),
    [
        (Classification(), ["4.0", "5", "4", "4.5", "2"]),
        (Classification(labels="several"), [["a", "b"], [], ["b"], ["c"], ["a"]]),
        (Regression(), [1, 2.5, "3", 4, 5]),
    ],
)
def test_labels_of_a_file_are_those_read_with_the_texts(tmp_path, task, labels):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"text": "t", "label": label}) + "\n" for label in labels), encoding="utf-8")
    found = without_texts(path, DataConfig(), task.columns)
    whole = load_split(path, DataConfig(), task.columns, need_label=True)
    assert [(e.row_id, e.label) for e in found] == [(e.row_id, e.label) for e in whole]
    assert {e.text for e in found} == {""}


def test_new_names_of_labels_hold_for_a_file(tmp_path):
    config = DataConfig(label_names={"a": "good", "b": "bad"})
    found = without_texts(written(tmp_path, "csv"), config, Classification().columns)
    assert [e.label for e in found] == ["good", "bad"] * 5


def test_a_row_without_a_label_is_named(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "t", "label": "a"}\n{"text": "t", "label": null}\n', encoding="utf-8")
    with pytest.raises(InputError, match="row 1"):
        without_texts(path, DataConfig(), Classification().columns)


@pytest.mark.parametrize("task", [TokenClassification(), ExtractiveQA()])
def test_labels_that_need_their_texts_are_read_with_them(tmp_path, task):
    assert without_texts(written(tmp_path, "jsonl"), DataConfig(), task.columns) is None


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "tsv", "jsonl", "json", "parquet", "frame", "dicts"])
def test_rows_stand_beside_their_examples_as_they_are_in_the_source(tmp_path, kind):
    new = NewRows(written(tmp_path, kind), DataConfig(), Classification().columns)
    assert new.columns == ("text", "label")
    assert new.only_strings == (kind in ("csv", "csv.gz", "tsv"))
    pairs = [pair for part in new.parts() for pair in zip(*part, strict=True)]
    found = [(e.row_id, e.text, e.label, row["text"], row["label"]) for e, row in pairs]
    assert found == [(i, text, None, text, "ab"[i % 2]) for i, text in enumerate(TEXTS)]
    assert [len(rows) for rows in new.rows()] == [3, 3, 3, 1]
