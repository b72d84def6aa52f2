"""Labels of every type as names, the same ones in every kind of source."""

import json
from decimal import Decimal

import pytest

from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError
from nlptl.core.records import Example
from nlptl.data import load_split, named_as
from nlptl.data.labels import label_names
from nlptl.tasks.classification import Classification


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([" pos ", "neg\n"], ["pos", "neg"]),
        ([True, False], ["true", "false"]),
        (["True", "FALSE ", "true"], ["true", "false", "true"]),
        (["truely", "True story", "T"], ["truely", "True story", "T"]),
        ([0, 3], ["0", "3"]),
        ([4.0, 2.0], ["4", "2"]),
        ([4.5, 2.0], ["4.5", "2"]),
        (["4.0", "2"], ["4", "2"]),
        (["4.0", "2.5"], ["4", "2.5"]),
        (["4.0", "four"], ["4", "four"]),
        (["v4.0", "v3.0"], ["v4.0", "v3.0"]),
        (["-1.0", "+1"], ["-1", "+1"]),
        (["1e3", "1."], ["1e3", "1"]),
        (["007", "7.0"], ["007", "7"]),
        ([None, float("nan"), " "], [None, None, None]),
        (["nan", "1.0"], ["nan", "1"]),
        ([1, None, 2.0], ["1", None, "2"]),
        ([Decimal("1.00"), Decimal("0.5")], ["1", "0.5"]),
    ],
)
def test_labels_become_names(values, expected):
    assert label_names(values, "here") == expected


def test_numpy_scalars_are_the_python_values_they_hold():
    import numpy as np

    assert label_names([np.int64(3), np.bool_(True), np.float32(2), np.float64("nan")], "here") == [
        "3",
        "true",
        "2",
        None,
    ]


def test_labels_are_renamed_in_every_split_and_others_are_kept(read, rows):
    corpus = read(rows, label_names={"good": "fine"}, test=[{"text": "x", "label": "good"}])
    assert {e.label for e in corpus.splits["train"]} == {"fine", "bad"}
    assert corpus.splits["test"][0].label == "fine"


def test_two_labels_may_get_the_same_name_and_be_given_as_numbers(read):
    rows = [{"text": f"t{i}", "label": i % 4} for i in range(40)]
    corpus = read(rows, label_names={0: "low", "1": "low", 2: "high", 3.0: "high"})
    assert {e.label for e in corpus.splits["train"]} == {"low", "high"}


LABELS = {
    "booleans": ([True, False, True], ["true", "false", "true"]),
    "numbers": ([1.0, 2.0, 2.5], ["1", "2", "2.5"]),
    "names": (["Pos", "neg ", " très bien"], ["Pos", "neg", "très bien"]),
}
FILES = {
    "csv": lambda frame, path: frame.to_csv(path),
    "tsv": lambda frame, path: frame.to_csv(path, sep="\t", index=False),
    "json": lambda frame, path: path.write_text(json.dumps(frame.to_dict("records")), encoding="utf-8"),
    "jsonl": lambda frame, path: frame.to_json(path, orient="records", lines=True),
    "parquet": lambda frame, path: frame.to_parquet(path),
    "xlsx": lambda frame, path: frame.to_excel(path),
}
"""What pandas writes, with and without its index."""
VALUES = {
    "frame": lambda frame: frame,
    "nullable": lambda frame: frame.convert_dtypes(),
    "arrow": lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
    "category": lambda frame: frame.astype("category"),
    "dicts": lambda frame: frame.to_dict("records"),
    "pair": lambda frame: (frame["text"], frame["label"].to_numpy()),
}


@pytest.fixture(params=[*FILES, *VALUES])
def source(request, tmp_path):
    """Gives what makes a source of one kind from a frame."""

    def call(frame):
        if request.param in VALUES:
            return VALUES[request.param](frame)
        path = tmp_path / f"rows.{request.param}"
        FILES[request.param](frame, path)
        return path

    return call


@pytest.mark.parametrize("labels", LABELS)
def test_labels_have_the_same_names_in_every_kind_of_source(columns, source, labels):
    import pandas as pd

    values, names = LABELS[labels]
    frame = pd.DataFrame({"text": ["a", "b", "c"], "label": values})
    examples = load_split(source(frame), DataConfig(), columns, need_label=True)
    assert [(e.text, e.label) for e in examples] == list(zip("abc", names, strict=True))


def test_a_labels_name_does_not_depend_on_the_rows_beside_it(write, columns):
    whole = write("whole.csv", "text,label\na,2.0\nb,beta\nc,True\nd,maybe\n")
    part = write("part.csv", "text,label\na,2.0\nc,True\n")
    names = [{e.text: e.label for e in load_split(p, DataConfig(), columns, need_label=True)} for p in (whole, part)]
    assert names[1].items() <= names[0].items()
    assert names[1] == {"a": "2", "c": "true"}


def test_conll_and_lists_of_tags_follow_the_same_rule(rows_as, write):
    path = write("a.conll", "a True\nb O\n\n")
    listed = [{"tokens": ["a", "b"], "tags": [True, "O"]}]
    assert [rows_as("tags", source)[0].label for source in (path, listed)] == [("B-true", "O")] * 2


def test_names_that_a_source_declares_follow_the_rule_too(read):
    import datasets

    names = datasets.ClassLabel(names=["True", "pos "])
    rows = {"text": [f"t{i}" for i in range(20)], "label": [i % 2 for i in range(20)]}
    features = datasets.Features({"text": datasets.Value("string"), "label": names})
    corpus = read(datasets.Dataset.from_dict(rows, features=features))
    assert corpus.label_names == ("true", "pos")
    assert Classification().label_space(corpus.splits["train"], corpus.label_names).names == ("true", "pos")


def test_new_names_follow_the_rule_and_are_told_when_they_cannot(read, rows):
    rows = [{**row, "label": row["label"] == "good"} for row in rows]
    assert {e.label for e in read(rows, label_names={"TRUE": " yes ", "False": "False"}).splits["train"]} == {
        "yes",
        "false",
    }
    with pytest.raises(InputError, match=r"renames the label 'true' twice, to 'a' and 'b'"):
        read(rows, label_names={"True": "a", "true": "b"})
    with pytest.raises(InputError, match="blank name"):
        read(rows, label_names={"true": " "})


def test_a_model_whose_labels_stand_as_an_older_version_read_them_still_scores_every_file(write, columns):
    path = write("a.csv", "text,label\na,True\nb,2.0\nc,x\nd,new\n")
    examples = load_split(path, DataConfig(), columns, need_label=True)
    assert [e.label for e in named_as(examples, ["True", "2.0", "x"], "class")] == ["True", "2.0", "x", "new"]
    assert [e.label for e in named_as(examples, ["True", "true", "2"], "class")] == ["true", "2", "x", "new"]
    several = [Example(0, "a", label=("true", "x"))]
    assert named_as(several, ["True", "x"], "classes")[0].label == ("True", "x")


def test_a_label_of_many_digits_is_read_in_no_time(columns):
    label = "1" * 200_000 + "x"
    assert load_split([{"text": "a", "label": label}], DataConfig(), columns, need_label=True)[0].label == label
