"""What is poor about a result is said in words."""

import pytest

from nlptl.core.records import Answer, Interval, LabelSpace
from nlptl.evaluation import verdict
from nlptl.evaluation.verdicts import transfer
from tests.evaluation.bare import score

LABELS = LabelSpace(("bad", "fine", "good"))
ROWS = ["bad", "bad", "fine", "good"]


def scores(output, references, predictions, labels=LABELS):
    return score(output, references, predictions, labels, n_bootstrap=5, seed=0)


def kinds(found):
    return [finding.kind for finding in found]


def test_nothing_is_said_of_a_good_result():
    gains = {"majority": Interval(0.5, 0.2, 0.7)}
    assert verdict(scores("class", ROWS, ROWS), "accuracy", gains) == []


def test_one_class_for_all_rows_is_said_with_its_name_and_how_often_it_is_right():
    (found,) = verdict(scores("class", ROWS, ["bad"] * 4))
    assert (found.kind, found.n, found.severity) == ("single_class", 4, "warning")
    assert "all 4 rows are predicted as 'bad'" in found.message
    assert "for 2 of them" in found.message


def test_one_class_is_no_fault_if_no_row_has_another():
    assert verdict(scores("class", ["bad"] * 4, ["bad"] * 4)) == []


def test_labels_that_are_never_predicted_right_are_named_with_their_rows():
    (found,) = verdict(scores("class", ROWS, ["bad", "bad", "good", "good"]))
    assert (found.kind, found.n, found.details) == ("missed_labels", 1, {"labels": ["fine"]})
    assert "'fine' (1 row)" in found.message


def test_of_many_missed_labels_three_are_named():
    labels = LabelSpace(tuple("abcdefgh"))
    (found,) = verdict(scores("class", list("abcdefgh"), list("aacdeeee"[:8]), labels))
    assert found.message.endswith("and 1 more")


@pytest.mark.parametrize(
    ("output", "references", "predictions", "words"),
    [
        ("class", ROWS, ["good", "fine", "bad", "bad"], "macro_f1 is 0"),
        ("classes", [("bad",), ("good",)], [["good"], []], "macro_f1 is 0"),
        ("tags", [("B-PER", "O")], [["O", "O"]], "entity_f1 is 0"),
        ("span", [(Answer("here", 0),), ()], ["", ""], "has_answer_f1 is 0"),
        ("text", ["a house"], ["tree"], "f1 is 0"),
    ],
)
def test_an_f1_of_0_is_said_for_every_kind_of_answer(output, references, predictions, words):
    (found,) = verdict(scores(output, references, predictions))
    assert found.kind == "zero_f1"
    assert words in found.message


def test_rows_without_any_entity_are_no_fault():
    assert verdict(scores("tags", [("O", "O")], [["O", "O"]])) == []


@pytest.mark.parametrize(
    ("gain", "than", "is_chance"),
    [
        (Interval(-0.2, -0.3, -0.1), "worse than the 1.2000", False),
        (Interval(-0.2, -0.3, 0.1), "worse than the 1.2000", True),
        (Interval(0.0, -0.1, 0.1), "equals the 1.0000 of the baseline", False),
    ],
)
def test_a_result_below_its_best_baseline_is_said_with_both_numbers(gain, than, is_chance):
    gains = {"majority": Interval(0.3, 0.2, 0.4), "tfidf_logreg": gain}
    (found,) = verdict(scores("class", ROWS, ROWS), "accuracy", gains)
    assert (found.kind, found.details) == ("below_baseline", {"baseline": "tfidf_logreg", "gain": gain.value})
    assert all(fact in found.message for fact in ("accuracy 1.0000", than, "tfidf_logreg"))
    assert ("by chance" in found.message) == is_chance


@pytest.mark.parametrize(("gain", "found"), [(0.5, ["below_baseline"]), (-0.5, [])])
def test_a_smaller_error_is_the_better_one(gain, found):
    own = scores("number", [1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    assert kinds(verdict(own, "mae", {"mean": Interval(gain, gain - 0.1, gain + 0.1)})) == found


def test_a_hostile_label_is_shown_clean_and_short():
    labels = LabelSpace(("\x1b[31m" + "x" * 30_000, "good"))
    (found,) = verdict(scores("class", [*labels.names], [labels.names[0]] * 2, labels))
    assert "\x1b" not in found.message
    assert len(found.message) < 200


@pytest.mark.parametrize(
    ("metric", "gain", "outcome", "better_by"),
    [
        ("accuracy", Interval(0.1, 0.05, 0.2), "helped", 0.1),
        ("accuracy", Interval(0.1, 0.0, 0.2), "unclear", 0.1),
        ("accuracy", Interval(-0.1, -0.2, -0.05), "negative", -0.1),
        ("mae", Interval(-0.1, -0.2, -0.05), "helped", 0.1),
        ("mae", Interval(0.1, 0.05, 0.2), "negative", -0.1),
    ],
)
def test_transfer_is_judged_beside_the_best_baseline(metric, gain, outcome, better_by):
    worse = Interval(0.5, 0.4, 0.6) if metric == "accuracy" else Interval(-0.5, -0.6, -0.4)
    found = transfer(metric, {"weak": worse, "strong": gain})
    assert (found.baseline, found.gain, found.outcome, found.better_by) == ("strong", gain, outcome, better_by)
