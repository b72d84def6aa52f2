"""Exact match and F1 of questions, against the official script and torchmetrics."""

import collections
import re
import string

import numpy as np
import pytest

from nlptl.core.errors import InputError
from nlptl.core.records import Answer, LabelSpace
from nlptl.evaluation.kinds import span
from tests.evaluation.bare import score

LABELS = LabelSpace(("start", "end"))
WORDS = (
    "the",
    "a",
    "An",
    "Café",
    "CAFÉ",
    "U.S.",
    "us",
    "don't",
    "dont",
    "1,000",
    "1000",
    "naïve",
    "“quoted”",
    "-",
    "x",
)


def piece(random):
    """Returns a few words with odd white space and punctuation; of some nothing counts."""
    words = random.choice(WORDS, random.integers(0, 5))
    return "".join(str(word) + str(random.choice([" ", "  ", "\t", " - ", ", ", "\u00a0"])) for word in words)


def normalize_answer(s):
    """Lower text and remove punctuation, articles and extra whitespace (evaluate-v2.0.py)."""
    regex = re.compile(r"\b(a|an|the)\b", re.UNICODE)
    without = "".join(ch for ch in s.lower() if ch not in set(string.punctuation))
    return " ".join(re.sub(regex, " ", without).split())


def get_tokens(s):
    return normalize_answer(s).split() if s else []


def compute_f1(a_gold, a_pred):
    gold_toks, pred_toks = get_tokens(a_gold), get_tokens(a_pred)
    num_same = sum((collections.Counter(gold_toks) & collections.Counter(pred_toks)).values())
    if len(gold_toks) == 0 or len(pred_toks) == 0:
        return int(gold_toks == pred_toks)
    if num_same == 0:
        return 0
    precision, recall = num_same / len(pred_toks), num_same / len(gold_toks)
    return (2 * precision * recall) / (precision + recall)


def official(gold, prediction):
    """Returns exact match and F1 as get_raw_scores of evaluate-v2.0.py."""
    answers = [a for a in gold if normalize_answer(a)] or [""]
    exact = max(int(normalize_answer(a) == normalize_answer(prediction)) for a in answers)
    return exact, max(compute_f1(a, prediction) for a in answers)


def questions(n, *, answerable):
    """Returns accepted texts and predictions; many predictions repeat an answer in another form."""
    random = np.random.default_rng(5)
    accepted = [[piece(random) for _ in range(random.integers(answerable, 4))] for _ in range(n)]
    given = [texts[0].upper() + " the" if texts and random.random() < 0.4 else piece(random) for texts in accepted]
    return accepted, given


def answers(accepted):
    """Returns references as the data gives them."""
    return [tuple(Answer(text, 0) for text in texts) for texts in accepted]


def values(references, predictions):
    """Returns the value of each metric."""
    found = score("span", references, predictions, LABELS, n_bootstrap=10, seed=0)
    return {name: interval.value for name, interval in found.metrics.items()}


def test_each_question_equals_the_official_script():
    accepted, given = questions(1000, answerable=0)
    expected = [official(texts, prediction) for texts, prediction in zip(accepted, given, strict=True)]
    found = [(span.exact_match(p, t), span.f1(p, t)) for t, p in zip(accepted, given, strict=True)]
    assert np.array(found) == pytest.approx(np.array(expected), abs=1e-12)
    assert 0.1 < np.mean([e for e, _ in expected]) < np.mean([f for _, f in expected]) < 0.9


def test_means_over_thousand_questions_equal_torchmetrics():
    squad = pytest.importorskip("torchmetrics.functional.text").squad
    accepted, given = questions(1000, answerable=1)
    accepted = [[f"{text} kernel" for text in texts] for texts in accepted]  # of each accepted text something counts
    given = [f"{text} kernel" if i % 2 else text for i, text in enumerate(given)]
    target = [
        {"id": str(i), "answers": {"text": texts, "answer_start": [0] * len(texts)}} for i, texts in enumerate(accepted)
    ]
    predictions = [{"id": str(i), "prediction_text": text} for i, text in enumerate(given)]
    expected = {name: float(value) / 100 for name, value in squad(predictions, target).items()}
    assert values(answers(accepted), given) == pytest.approx(expected, abs=1e-6)


def test_questions_without_an_answer_are_also_measured_apart():
    references = [(Answer("the cat", 0), Answer("a big cat", 9)), (Answer("Rome", 0),), (), ()]
    found = values(references, ["big cat!", "", "The", "Rome"])
    assert found == pytest.approx(
        {
            "exact_match": 2 / 4,
            "f1": 2 / 4,
            "has_answer_exact_match": 1 / 2,
            "has_answer_f1": 1 / 2,
            "no_answer_accuracy": 1 / 2,
        }
    )


def test_where_all_questions_have_an_answer_nothing_is_measured_apart():
    assert set(values([(Answer("Rome", 0),)], ["Rome"])) == {"exact_match", "f1"}


@pytest.mark.parametrize(
    ("reference", "prediction", "message"),
    [
        ("Rome", "Rome", r"references\[0\] is 'Rome', expected a tuple of answers"),
        ((), 3, r"predictions\[0\] is 3, expected a text"),
        (None, "", r"references\[0\] is None"),
    ],
)
def test_a_row_of_another_form_is_refused(reference, prediction, message):
    with pytest.raises(InputError, match=message):
        values([reference], [prediction])
