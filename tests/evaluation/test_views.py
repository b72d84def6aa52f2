"""Single rows, kind by kind: the metric that they add up to, how wrong each is, probabilities, marks in texts."""

import numpy as np
import pytest

from nlptl.core.kinds import KINDS
from nlptl.core.records import Answer, Example, LabelSpace, Prediction
from nlptl.evaluation import kinds, values
from nlptl.evaluation.views import Mark, Seen

NAMES = LabelSpace(("a", "b"))
EMPTY = LabelSpace(())


def span(text, start, score=0.5, **fields):
    return {"text": text, "start": start, "end": start + len(text), "score": score, **fields}


ROWS = {
    "class": (
        NAMES,
        ["a", "b", "a"],
        [("a", {"a": 0.9, "b": 0.1}), ("a", {"a": 0.8, "b": 0.2}), ("b", {"a": 0.4, "b": 0.6})],
    ),
    "classes": (
        NAMES,
        [("a",), (), ("a", "b")],
        [(["a"], {"a": 0.9, "b": 0.1}), (["b"], {"a": 0.3, "b": 0.7}), (["a"], {"a": 0.6, "b": 0.2})],
    ),
    "number": (EMPTY, [1.0, 2.5, 4.0], [(1.5, {}), (2.5, {}), (1.0, {})]),
    "tags": (
        LabelSpace(("PER", "LOC")),
        [("B-PER", "I-PER", "O"), ("O",), ("B-LOC",)],
        [(["B-PER", "I-PER", "B-LOC"], {}), (["O"], {}), (["O"], {})],
    ),
    "span": (
        EMPTY,
        [(Answer("red hat", 2), Answer("hat", 6)), (), (Answer("blue", 0),)],
        [
            ("hat", {"answer": 0.7, "no_answer": 0.1}),
            ("blue", {"answer": 0.6, "no_answer": 0.2}),
            ("", {"answer": 0.2, "no_answer": 0.5}),
        ],
    ),
    "text": (EMPTY, ["a good end", "no"], [("a good start", {}), ("no", {})]),
}
SPANS = {"tags": [[span("x y", 0, 0.8), span("z", 4, 0.6)], [], []], "span": [[span("hat", 6)], [span("blue", 0)], []]}


def seen(output):
    labels, references, answers = ROWS[output]
    spans = SPANS.get(output, [None] * len(answers))
    rows = [Prediction(i, *answer, spans=own) for i, (answer, own) in enumerate(zip(answers, spans, strict=True))]
    return Seen(references, [row.prediction for row in rows], labels, rows)


@pytest.mark.parametrize("output", KINDS)
def test_the_rows_add_up_to_the_metric(output):
    rows = seen(output)
    graded = kinds.views(output).grade(rows)
    expected = values(output, rows.references, rows.predictions, rows.labels)[graded.metric]
    assert graded.above.sum() / graded.below.sum() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("output", "wrong"),
    [
        ("class", [0, 0.8, 0.6]),
        ("classes", [0, 0.7, 0.8]),
        ("number", [0.5, 0, 3]),
        ("tags", [1, 0, 1]),
        ("span", [0, 0.6, 0.5]),
        ("text", [0.5, 0]),
    ],
)
def test_how_wrong_a_row_is(output, wrong):
    assert kinds.views(output).grade(seen(output)).wrong == pytest.approx(np.array(wrong))


def test_stated_probabilities_and_what_is_true():
    stated = {name: kinds.views(name).stated(seen(name)) for name in KINDS}
    assert (stated["class"].probabilities.tolist(), stated["class"].true.tolist()) == (
        [0.9, 0.8, 0.6],
        [True, False, False],
    )
    assert stated["classes"].probabilities.tolist() == [0.9, 0.1, 0.3, 0.7, 0.6, 0.2]
    assert stated["classes"].true.tolist() == [True, False, False, False, True, True]
    assert not stated["classes"].decided
    assert (stated["tags"].probabilities.tolist(), stated["tags"].true.tolist()) == ([0.8, 0.6], [True, False])
    assert (stated["span"].probabilities.tolist(), stated["span"].true.tolist()) == (
        [0.7, 0.6, 0.5],
        [True, False, False],
    )
    assert (stated["number"], stated["text"]) == (None, None)


def test_predictions_without_scores_state_nothing_and_are_all_as_wrong():
    rows = Seen(["a", "b"], ["b", "b"], NAMES, [Prediction(0, "b", {}), Prediction(1, "b", {})])
    views = kinds.views("class")
    assert views.stated(rows) is None
    assert views.issues(rows) == []
    assert views.grade(rows).wrong.tolist() == [1, 0]


def test_rows_are_grouped_by_label():
    assert kinds.views("class").groups(seen("class")) == [("a",), ("b",), ("a",)]
    assert kinds.views("classes").groups(seen("classes")) == [("a",), ("(no label)",), ("a", "b")]
    assert list(kinds.views("number").groups(seen("number"))) == [1.0, 2.5, 4.0]
    assert kinds.views("tags").groups(seen("tags")) == [("PER",), (), ("LOC",)]
    assert kinds.views("span").groups(seen("span")) == [("has an answer",), ("has no answer",), ("has an answer",)]
    assert kinds.views("text").groups(seen("text")) is None


@pytest.mark.parametrize(
    ("output", "answer", "words"),
    [
        ("class", "a", "a"),
        ("classes", ["a", "b"], "a, b"),
        ("classes", (), "(no label)"),
        ("number", 1234.5678, "1,234.57"),
        ("tags", ["O", "B-PER", "I-PER"], "PER (words 2 to 3)"),
        ("span", (Answer("x", 0), Answer("x", 9), Answer("y", 1)), "x / y"),
        ("span", "", "(no answer)"),
        ("text", "a text", "a text"),
    ],
)
def test_an_answer_in_words(output, answer, words):
    assert kinds.views(output).said(answer) == words


def test_entities_are_marked_as_found_missed_or_wrong():
    example = Example(0, "Ada Byron met Al", words=((0, 3), (4, 9), (10, 13), (14, 16)))
    prediction = Prediction(0, ["B-PER", "I-PER", "O", "B-LOC"], {})
    marks, second = kinds.views("tags").marks(example, ("B-PER", "I-PER", "O", "B-PER"), prediction)
    assert marks == [Mark(0, 9, "right", "PER"), Mark(14, 16, "wrong", "LOC"), Mark(14, 16, "missed", "PER")]
    assert second == []
    assert kinds.views("tags").marks(example, ("O",), prediction) == ([], [])


def test_answers_are_marked_in_the_context():
    views, example = kinds.views("span"), Example(0, "which?", "a red hat")
    wrong = Prediction(0, "a", {}, [span("a", 0)])
    assert views.marks(example, (Answer("red hat", 2),), wrong) == ([], [Mark(2, 9, "missed"), Mark(0, 1, "wrong")])
    right = Prediction(0, "red hat", {}, [span("red hat", 2)])
    assert views.marks(example, (Answer("red hat", 2),), right) == ([], [Mark(2, 9, "right")])
    none = Prediction(0, "", {}, [span("a", 0)])
    assert views.marks(example, (), none) == ([], [])
    assert views.marks(example, (Answer("elsewhere", -1),), none) == ([], [])
