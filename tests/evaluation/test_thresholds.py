"""Thresholds are the best of all that could be chosen: compared with trying every one."""

import numpy as np
import pytest

from nlptl.core.config import EvalConfig
from nlptl.core.records import Answer, LabelSpace, Prediction
from nlptl.evaluation import decide
from nlptl.evaluation.kinds.span import accepted_texts, f1

SPACE, QUESTIONS = LabelSpace(("a", "b", "c")), LabelSpace(("start", "end"))
PLAIN = EvalConfig()


def several(seed: int, n: int = 60) -> tuple[list[tuple[str, ...]], list[Prediction]]:
    random = np.random.default_rng(seed)
    right = random.random((n, 2)) < (0.1, 0.5)
    scores = np.clip(right * 0.2 + random.random((n, 2)) * 0.5, 0, 1).round(1)  # many are equal
    references = [tuple(name for name, hit in zip("ab", row, strict=True) if hit) for row in right]
    found = [Prediction(i, [], {"a": float(a), "b": float(b), "c": 0.01}) for i, (a, b) in enumerate(scores)]
    return references, found


def f1_at(threshold: float, scores: np.ndarray, right: np.ndarray) -> float:
    said = scores >= threshold
    return 2 * (said & right).sum() / max(said.sum() + right.sum(), 1)


@pytest.mark.parametrize("seed", range(5))
def test_each_label_gets_the_threshold_with_its_highest_f1(seed):
    references, found = several(seed)
    thresholds = decide("classes", references, found, SPACE, PLAIN)["thresholds"]
    for name in "ab":
        scores = np.array([p.scores[name] for p in found])
        right = np.array([name in row for row in references])
        best = max(f1_at(t, scores, right) for t in np.linspace(0, 1.01, 203))
        assert f1_at(thresholds[name], scores, right) == pytest.approx(best)


def test_a_label_that_no_row_has_gets_the_threshold_that_suits_all_together():
    references, found = several(0)
    thresholds = decide("classes", references, found, SPACE, PLAIN)["thresholds"]
    scores = np.array([[p.scores[name] for name in "abc"] for p in found]).ravel()
    right = np.array([[name in row for name in "abc"] for row in references]).ravel()
    best = max(f1_at(t, scores, right) for t in np.linspace(0, 1.01, 203))
    assert f1_at(thresholds["c"], scores, right) == pytest.approx(best)
    assert thresholds["c"] != 0.5


def questions(seed: int, n: int = 50) -> tuple[list[tuple[Answer, ...]], list[Prediction]]:
    random = np.random.default_rng(seed)
    references, found = [], []
    for i in range(n):
        has = random.random() < 0.6
        references.append((Answer("the red fox", 0),) if has else ())
        none = float(np.clip(round(random.random() * 0.6 + (0 if has else 0.3), 1), 0.1, 0.9))
        text = str(random.choice(["red fox", "fox", "hen"]))
        found.append(Prediction(i, "", {"answer": 1 - none, "no_answer": none}, [{"text": text}]))
    return references, found


def mean_f1(threshold: float, references, found) -> float:
    total = 0.0
    for i, (reference, p) in enumerate(zip(references, found, strict=True)):
        margin = np.log(p.scores["no_answer"]) - np.log(p.scores["answer"])
        said = "" if margin > threshold else p.spans[0]["text"]
        total += f1(said, accepted_texts(reference, i))
    return total / len(found)


@pytest.mark.parametrize("seed", range(5))
def test_the_no_answer_threshold_has_the_highest_f1(seed):
    references, found = questions(seed)
    threshold = decide("span", references, found, QUESTIONS, PLAIN)["no_answer"]
    best = max(mean_f1(t, references, found) for t in np.linspace(-6, 6, 481))
    assert mean_f1(threshold, references, found) == pytest.approx(best)


def test_where_every_question_has_an_answer_nothing_is_declined():
    references, found = questions(0)
    answered = [r or (Answer("hen", 0),) for r in references]
    assert decide("span", answered, found, QUESTIONS, PLAIN) == {}


@pytest.mark.parametrize("output", ["class", "number", "tags", "text"])
def test_other_kinds_of_answers_have_nothing_to_decide(output):
    assert decide(output, ["a"], [Prediction(0, "a", {"a": 1.0})], SPACE, PLAIN) == {}
