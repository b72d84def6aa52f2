"""What the audit finds where labels are not single classes."""

import json

import pytest

from nlptl.core.records import Answer, Corpus, Example, LabelSpace
from nlptl.data import audit

CLASSES = LabelSpace(("a", "b"))
TAGS = LabelSpace(("O", "B-PER", "I-PER", "B-LOC", "I-LOC"))


def corpus(train, **splits):
    made = {name: [Example(i, *row) for i, row in enumerate(rows)] for name, rows in {"train": train, **splits}.items()}
    return Corpus(made, None, {}, ())


def found(output, data, kind, labels=CLASSES):
    findings = audit(data, {}, 10, labels, output=output)
    assert all(json.loads(json.dumps(f.details)) == f.details for f in findings)
    return [f for f in findings if f.kind == kind]


@pytest.mark.parametrize(
    ("output", "first", "second"),
    [("class", "a", "b"), ("classes", ("a",), ("a", "b")), ("classes", (), ("a",)), ("number", 1.0, 1.5)],
)
def test_the_same_text_with_other_labels_is_a_conflict(output, first, second):
    data = corpus([("x", "y", first), ("x ", "y", second), ("z", "y", first), ("x", "z", first)])
    (finding,) = found(output, data, "conflicting_labels")
    assert finding.details["row_ids"] == {"train": [0, 1]}
    labels = [json.loads(json.dumps(label)) for label in (first, second)]
    assert [row["label"] for row in finding.details["texts"][0]["rows"]] == labels


@pytest.mark.parametrize(
    ("output", "first", "second"),
    [
        ("tags", ("B-PER",), ("B-LOC",)),
        ("span", (Answer("x", 0),), (Answer("y", 1),)),
        ("text", "one", "two"),
        ("classes", ("a",), ("a",)),
        ("number", 2.0, 2.0),
    ],
)
def test_texts_that_may_have_several_right_labels_are_no_conflict(output, first, second):
    data = corpus([("x", "y", first), ("x", "y", second)])
    assert not found(output, data, "conflicting_labels", TAGS)


@pytest.mark.parametrize("output", ["class", "classes", "number", "tags", "span", "text"])
def test_pairs_in_two_splits_are_a_leak_for_every_kind(output):
    data = corpus([("x", "y", None)], test=[("x", "y", None), ("x", "z", None), ("y", "x", None)])
    assert found(output, data, "cross_split_duplicate", TAGS)[0].details["row_ids"] == {"test": [0]}


def test_cut_rows_are_counted_without_classes_where_there_are_none():
    data = corpus([("x", None, ("a",)), ("y", None, ())])
    (finding, *_) = audit(data, {"train": [11, 10]}, 10, CLASSES, output="classes")
    assert (finding.kind, finding.n) == ("truncation", 1)
    assert finding.details["shares"] == {"train": {"share": 0.5}}


def test_labels_are_counted_by_row_where_rows_have_several():
    data = corpus([("x", None, ("a", "b"))] * 12 + [("y", None, ("a",))] * 10 + [("z", None, ())] * 2)
    (finding,) = found("classes", data, "class_balance")
    assert finding.details["counts"] == {"train": {"a": 22, "b": 12}}
    assert finding.details["shares"] == {"train": {"a": 22 / 24, "b": 0.5}}
    assert (finding.n, finding.severity) == (24, "info")
    assert finding.message == "2 classes in train: from 'b' (12 rows, 50.0%) to 'a' (22 rows, 91.7%)"


def test_rare_labels_are_a_warning():
    data = corpus([("x", None, ("a", "b"))] * 9 + [("y", None, ("a",))] * 10)
    (finding,) = found("classes", data, "class_balance")
    assert finding.severity == "warning"
    assert "macro F1" in finding.message


def test_entities_are_counted_by_type_not_by_word():
    data = corpus([("x", None, ("B-PER", "I-PER", "O", "B-LOC"))] * 10 + [("y", None, ("B-PER", "B-PER"))] * 5)
    (finding,) = found("tags", data, "class_balance", TAGS)
    assert finding.details["counts"] == {"train": {"PER": 20, "LOC": 10}}
    assert finding.message == "2 entity types in train: from 'LOC' (10 entities, 33.3%) to 'PER' (20 entities, 66.7%)"
    assert found("tags", data, "class_balance", LabelSpace(("PER", "LOC"))) == [finding]


def test_a_split_of_unknown_labels_alone_has_no_balance():
    data = corpus([("x", None, "a")] * 10 + [("y", None, "b")] * 10, test=[("z", None, "c")])
    assert list(found("class", data, "class_balance")[0].details["counts"]) == ["train"]


@pytest.mark.parametrize("output", ["number", "text"])
def test_numbers_and_texts_have_no_balance(output):
    assert not found(output, corpus([("x", None, 1.0 if output == "number" else "t")]), "class_balance")


@pytest.mark.parametrize(
    ("output", "known", "unknown"), [("classes", ("a",), ("a", "c")), ("tags", ("B-PER",), ("O", "B-ORG"))]
)
def test_labels_and_entity_types_that_are_unknown_are_named(output, known, unknown):
    data = corpus([("x", None, known)], test=[("y", None, known), ("z", None, unknown), ("w", None, None)])
    (finding,) = found(output, data, "unseen_label", TAGS if output == "tags" else CLASSES)
    assert (finding.details["row_ids"], finding.severity) == ({"test": [1]}, "warning")
    assert ("entity type" in finding.message) == (output == "tags")


def test_answers_that_are_nowhere_and_rows_without_one_are_told():
    rows = [
        ("q", "c", ()),
        ("r", "c", (Answer("x", -1), Answer("c", 0))),
        ("s", "c", (Answer("c", 0),)),
        ("t", "c", ()),
    ]
    data = corpus(rows, test=[("u", "d", (Answer("d", 0),))])
    (lost,) = found("span", data, "repair")
    assert (lost.details["row_ids"], lost.severity) == ({"train": [1]}, "info")
    assert lost.message.startswith("1 row has an answer")
    assert lost.message.endswith("context: 1 in train (row 1)")
    (none,) = found("span", data, "class_balance")
    assert (none.n, none.severity) == (2, "info")
    assert none.message == "2 rows have no answer: 2 in train (50.0%), 0 in test (0.0%)"


def test_questions_that_all_have_answers_leave_nothing_to_tell():
    assert audit(corpus([("q", "c", (Answer("c", 0),))]), {}, 10, CLASSES, output="span") == []
