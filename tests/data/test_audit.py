"""What the audit finds, and that it keeps quiet otherwise."""

import json

import pytest

from nlptl.core.errors import InputError
from nlptl.core.records import Corpus, Example, LabelSpace
from nlptl.data import audit, strict_error

LABELS = LabelSpace(("a", "b"))


def split(texts, labels=None, first=0):
    labels = labels or ["ab"[i % 2] for i in range(len(texts))]
    return [Example(first + i, text, None, label) for i, (text, label) in enumerate(zip(texts, labels, strict=True))]


def corpus(**splits):
    splits = {"train": split([f"train {i}" for i in range(40)]), **splits}
    return Corpus(splits, None, {"text": "text", "label": "label"}, ())


def found(data, kind, lengths=None, max_length=10, labels=LABELS):
    return [f for f in audit(data, lengths or {}, max_length, labels) if f.kind == kind]


def test_clean_data_gives_the_balance_and_nothing_else():
    findings = audit(corpus(), {"train": [10] * 40}, 10, LABELS)
    assert [(f.kind, f.severity, f.n) for f in findings] == [("class_balance", "info", 40)]
    assert "20 rows each (50.0%)" in findings[0].message


def test_empty_texts_are_named_by_split():
    data = corpus(validation=split(["x", " ", "y"], first=100), test=split([""]))
    (finding,) = found(data, "empty_text")
    assert (finding.n, finding.severity) == (2, "warning")
    assert finding.details["row_ids"] == {"validation": [101], "test": [0]}
    assert "1 in validation (row 101)" in finding.message


def test_a_blank_second_text_is_an_empty_text():
    assert found(corpus(test=[Example(4, "x", " ", "a")]), "empty_text")[0].details["row_ids"] == {"test": [4]}


def test_unseen_labels_are_named():
    (finding,) = found(corpus(test=split(["x", "y"], ["a", "c"])), "unseen_label")
    assert (finding.n, finding.severity, finding.details["row_ids"]) == (1, "warning", {"test": [1]})


def test_a_missing_label_is_not_an_unseen_one():
    assert not found(corpus(test=[Example(0, "x")]), "unseen_label")


def test_duplicates_across_splits_are_found_for_each_pair_of_them():
    data = corpus(
        validation=split(["train 3 ", "new"], ["b", "a"]), test=split(["new", "TRAIN 5", "train 1"], ["a", "b", "b"])
    )
    findings = found(data, "cross_split_duplicate")
    assert [(f.details["splits"], f.details["row_ids"]) for f in findings] == [
        (["train", "validation"], {"validation": [0]}),
        (["train", "test"], {"test": [2]}),
        (["validation", "test"], {"test": [0]}),
    ]
    assert all((f.n, f.severity) == (1, "warning") for f in findings)
    assert all(fact in findings[1].message for fact in ("1 of 3 test rows (33.3%)", "in train", "row 2"))


def test_duplicates_inside_a_split_and_blanks_across_are_no_leak():
    data = corpus(train=split(["x", "x", ""], ["a", "a", "b"]), test=split(["y", "y", ""], ["a", "a", "b"]))
    assert not found(data, "cross_split_duplicate")


def test_a_pair_is_a_duplicate_only_with_both_texts():
    data = corpus(train=[Example(0, "x", "y", "a")], test=[Example(0, "x", "z", "a"), Example(1, "x", "y", "a")])
    assert found(data, "cross_split_duplicate")[0].details["row_ids"] == {"test": [1]}


def test_the_same_text_with_different_labels_is_found_within_and_over_splits():
    train = split(["x", "y", "x ", "z", "z"], ["a", "a", "b", "a", "a"])
    (finding,) = found(corpus(train=train, test=split(["y"], ["b"])), "conflicting_labels")
    assert (finding.n, finding.severity) == (4, "warning")
    assert finding.details["row_ids"] == {"train": [0, 1, 2], "test": [0]}
    assert finding.details["texts"][0]["rows"] == [
        {"split": "train", "row_id": 0, "label": "a"},
        {"split": "train", "row_id": 2, "label": "b"},
    ]
    assert all(fact in finding.message for fact in ("2 texts", "different labels", "in 4 rows"))


def test_cut_rows_are_counted_by_split_and_class():
    data = corpus(test=split(["x", "y", "z", "w"]))
    (finding,) = found(data, "truncation", {"train": [10] * 40, "test": [11, 10, 50, 10]})
    assert (finding.n, finding.severity) == (2, "warning")
    assert finding.details["row_ids"] == {"train": [], "test": [0, 2]}
    assert finding.details["shares"]["test"] == {"share": 0.5, "by_class": {"a": 1.0, "b": 0.0}}
    assert finding.details["shares"]["train"]["share"] == 0.0


@pytest.mark.parametrize(("n_rows", "severity"), [(100, "warning"), (101, "info")])
def test_cuts_are_a_warning_from_one_percent_on(n_rows, severity):
    data = corpus(train=split([f"t{i}" for i in range(n_rows)]))
    (finding,) = found(data, "truncation", {"train": [11] + [10] * (n_rows - 1)})
    assert finding.severity == severity


def test_lengths_that_do_not_fit_the_examples_are_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="shorter"):
        audit(corpus(), {"train": [10] * 39}, 10, LABELS)


@pytest.mark.parametrize(
    ("n_a", "n_b", "severity"), [(100, 10, "warning"), (99, 10, "info"), (20, 9, "warning"), (20, 0, "warning")]
)
def test_imbalance_is_a_warning_at_ten_to_one_or_below_ten_rows(n_a, n_b, severity):
    labels = ["a"] * n_a + ["b"] * n_b
    (finding,) = found(corpus(train=split([f"t{i}" for i in range(n_a + n_b)], labels)), "class_balance")
    assert (finding.severity, finding.n) == (severity, n_a + n_b)
    assert finding.details["counts"]["train"] == {"a": n_a, "b": n_b}
    assert finding.details["shares"]["train"]["a"] == pytest.approx(n_a / (n_a + n_b))
    assert f"'b' ({n_b} rows" in finding.message


def test_unlabelled_data_has_no_balance():
    assert not found(corpus(train=[Example(0, "x")]), "class_balance")


def test_details_can_be_written_as_json():
    data = corpus(validation=split(["train 3", " "], ["a", "c"]))
    findings = audit(data, {"train": [11] * 40}, 10, LABELS)
    assert len({f.kind for f in findings}) == 6
    assert all(json.loads(json.dumps(f.details)) == f.details for f in findings)


def test_only_warnings_stop_a_strict_run():
    strict_error(audit(corpus(), {}, 10, LABELS))
    findings = audit(corpus(test=split([" "])), {}, 10, LABELS)
    with pytest.raises(InputError) as caught:
        strict_error(findings)
    assert "1 warning," in str(caught.value)
    assert "blank text" in str(caught.value)
    assert "classes in train" not in str(caught.value)


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (("Pos", "pos"), "case"),
        (("very good", "very  good"), "blanks"),
        (("caf\u00e9", "cafe\u0301"), "Unicode form"),
        (("\ufb01ne", "fine"), "Unicode form"),
        (("pos\u200b", "pos"), "invisible characters"),
        (("01", "1"), "the way a number is written"),
        (("Very good", "verygood"), "blanks and case"),
    ],
)
def test_labels_that_are_nearly_equal_are_named_with_their_counts_and_the_difference(names, why):
    rare, usual = names
    labels = [rare] * 3 + [usual] * 20 + ["other"] * 20
    data = corpus(train=split([f"t{i}" for i in range(43)], labels), test=split(["x"], [rare]))
    (finding,) = found(data, "near_labels", labels=LabelSpace((*names, "other")))
    assert (finding.severity, finding.n) == ("warning", 4)
    assert finding.details["counts"] == [{usual: 20, rare: 4}]
    assert f"differ in {why}" in finding.message
    assert "(20 rows)" in finding.message
    assert "(4 rows)" in finding.message
    renaming = json.loads(finding.message.partition("--data.label_names ")[2].strip("'"))
    assert renaming == {rare: usual}


def test_entity_types_that_are_nearly_equal_are_named_too():
    rows = [Example(0, "a b", label=("B-PER", "B-per")), Example(1, "a b", label=("B-PER", "O"))]
    tags = LabelSpace(("O", "B-PER", "I-PER", "B-per", "I-per"))
    (finding,) = [
        f for f in audit(Corpus({"train": rows}, None, {}, ()), {}, 10, tags, output="tags") if f.kind == "near_labels"
    ]
    assert "'PER' (2 entities) and 'per' (1 entities) differ in case" in finding.message
