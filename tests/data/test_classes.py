"""Several labels a row, in every form that data gives them."""

import json

import pytest

from nlptl.core.errors import InputError


def labels(examples):
    return [e.label for e in examples]


def said(call, *args, **settings):
    with pytest.raises(InputError) as caught:
        call(*args, **settings)
    return str(caught.value)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (["b", "a", "b"], ("a", "b")),
        (("b",), ("b",)),
        ([], ()),
        ([" a ", ""], ("a",)),
        ("a, b", ("a", "b")),
        ("", ()),
        ("  ", ()),
        ('["b", "a"]', ("a", "b")),
        ("['b', 'a']", ("a", "b")),
        ("[]", ()),
        ("a,,b", ("a", "b")),
        ([2, 10.0], ("10", "2")),
        (7, ("7",)),
        ("3.0,4", ("3", "4")),
        ('["a,b"]', ("a,b",)),
        ([True], ("true",)),
    ],
)
def test_labels_become_ascending_names_each_once(rows_as, cell, expected):
    assert labels(rows_as("classes", [{"text": "x", "label": cell}])) == [expected]


def test_numbers_lose_their_empty_fraction_whatever_other_labels_there_are(rows_as):
    rows = [{"text": "x", "label": ["4.0"]}, {"text": "y", "label": ["v", "4"]}]
    assert labels(rows_as("classes", rows)) == [("4",), ("4", "v")]


def test_arrays_and_missing_values_of_frames_are_read(rows_as):
    import numpy as np
    import pandas as pd

    frame = pd.DataFrame({"text": ["x", "y"], "label": [np.array(["b", "a"]), None]})
    assert labels(rows_as("classes", frame, need_label=False)) == [None, None]


def test_a_missing_label_is_not_the_same_as_none_of_the_labels(rows_as):
    rows = [{"text": "x", "label": []}, {"text": "y", "label": None}]
    assert "1 of 2 rows have no label (row 1)" in said(rows_as, "classes", rows)


def test_strings_are_split_silently_in_csv_and_with_a_note_in_jsonl(read_as, write):
    train = [{"text": f"t{i}", "label": "a,b" if i % 2 else "c"} for i in range(20)]
    jsonl = write("a.jsonl", "\n".join(map(json.dumps, train)))
    csv = write("a.csv", "text,label\n" + "".join(f't{i},"{row["label"]}"\n' for i, row in enumerate(train)))
    corpora = [read_as("classes", path) for path in (jsonl, csv)]
    assert corpora[0].splits == corpora[1].splits
    notes = [[note for note in corpus.notes if "strings, not lists" in note] for corpus in corpora]
    assert ["column 'label': 20 of 20 labels are strings, not lists; split at ','" in note for note in notes[0]] == [
        True
    ]
    assert notes[1] == []


def test_another_separator_is_the_columns(by_kind):
    from dataclasses import replace

    from nlptl.core.config import DataConfig
    from nlptl.data import load_split

    columns = (*by_kind["classes"][:2], replace(by_kind["classes"][2], separator="|"))
    rows = load_split([{"text": "x", "label": "a, b|c"}], DataConfig(), columns, need_label=True)
    assert labels(rows) == [("a, b", "c")]


def test_lists_of_class_ids_get_their_declared_names(read_as):
    import datasets

    names = datasets.ClassLabel(names=["joy", "fear"])
    features = datasets.Features({"text": datasets.Value("string"), "labels": datasets.Sequence(names)})
    rows = {"text": [f"t{i}" for i in range(20)], "labels": [[0, 1] if i % 2 else [1] for i in range(20)]}
    corpus = read_as("classes", datasets.Dataset.from_dict(rows, features=features))
    assert corpus.label_names == ("joy", "fear")
    assert set(labels(corpus.splits["train"])) == {("fear", "joy"), ("fear",)}


def test_labels_are_renamed_inside_the_lists(read_as):
    train = [{"text": f"t{i}", "label": [0, 2] if i % 2 else [1]} for i in range(20)]
    corpus = read_as("classes", train, label_names={0: "zero", "2": "zero"})
    assert set(labels(corpus.splits["train"])) == {("zero",), ("1",)}
    assert "labels found: 0, 1, 2" in said(read_as, "classes", train, label_names={"3": "x"})


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("['a' 'b']", ["row 1", "without commas", "numpy"]),
        ("[a, b]", ["row 1", "'[a, b]'", 'such as ["a", "b"]']),
        ({"a": 1}, ["row 1", "the label is a dict"]),
        ([["a"]], ["row 1", "the label is a list"]),
    ],
)
def test_what_is_no_list_of_names_is_said(rows_as, cell, words):
    message = said(rows_as, "classes", [{"text": "x", "label": ["a"]}, {"text": "y", "label": cell}])
    assert [word for word in words if word not in message] == []


@pytest.mark.parametrize(("label", "words"), [(["b", "a"], "the same labels (a, b)"), ([], "no label at all")])
def test_labels_that_never_differ_are_an_error(read_as, label, words):
    train = [{"text": f"t{i}", "label": label} for i in range(20)]
    message = said(read_as, "classes", train)
    assert words in message
    assert "--data.label" in message


def test_a_label_that_only_validation_has_is_counted_and_named(read_as):
    train = [{"text": f"t{i}", "label": ["joy"] if i % 2 else []} for i in range(20)]
    message = said(read_as, "classes", train, validation=[{"text": "x", "label": ["joy", "Joy"]}])
    assert message.startswith("validation (the list)")
    assert all(fact in message for fact in ("1 of 1 rows", "'Joy' (1 row) (did you mean 'joy'?)"))


def test_a_test_file_whose_rows_have_no_label_at_all_is_left_out(read_as, write):
    write("d/train.csv", "text,label\na,x\nb,y\nc,\n")
    write("d/dev.csv", "text,label\nc,x\n")
    folder = write("d/test.csv", "text,label\nd,\n").parent
    assert list(read_as("classes", folder).splits) == ["train", "validation"]


def test_a_lone_file_is_divided_by_the_rarest_label_of_each_row(read_as):
    train = [{"text": f"t{i}", "label": ["often", "rare"] if i < 20 else ["often"]} for i in range(100)]
    corpus = read_as("classes", train)
    rare = {name: sum("rare" in e.label for e in split) for name, split in corpus.splits.items()}
    assert rare == {"train": 14, "validation": 3, "test": 3}
    assert any("stratified by each row's rarest label, seed 0" in note for note in corpus.notes)


def test_no_held_out_part_has_a_label_that_train_lacks():
    from nlptl.core.records import Example
    from nlptl.data.kinds.base import kind_of

    # "a" is never the rarest label of its row, so only chance keeps it in train.
    rows = [
        ("a", "b"),
        ("b",),
        ("b",),
        ("a", "c"),
        ("c",),
        ("c",),
        ("a", "d"),
        ("d",),
        ("d",),
        ("a", "e"),
        ("e",),
        ("e",),
    ]
    examples = [Example(i, "x", None, label) for i, label in enumerate(rows)]
    for seed in range(200):
        parts = kind_of("classes").divide(examples, {"validation": 0.4, "test": 0.4}, seed).parts
        assert {name for i in parts["train"] for name in rows[i]} == set("abcde"), seed
        assert sorted(i for part in parts.values() for i in part) == list(range(len(rows)))
