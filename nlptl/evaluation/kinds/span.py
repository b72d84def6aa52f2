"""Answers to questions, compared as in the official SQuAD scripts.

Rajpurkar et al. 2016 and 2018, evaluate-v1.1.py and evaluate-v2.0.py: case, punctuation, the articles a, an and the,
and white space are ignored; with several accepted answers, the closest one counts; for a question without an answer, an
empty prediction is correct. The scripts differ only for answers such as "The", which have no other word: v2.0 is used.
"""

import re
import string
from collections import Counter
from collections.abc import Sequence

import numpy as np

from nlptl.core.errors import InputError
from nlptl.core.plain import Decision
from nlptl.core.records import Answer, Example, LabelSpace, Prediction
from nlptl.evaluation.best import best_margin
from nlptl.evaluation.formulas import Metric
from nlptl.evaluation.kind import Kind, Undecided
from nlptl.evaluation.ratios import Floats, ratio
from nlptl.evaluation.rowwise import ByRow, Counted
from nlptl.evaluation.views import Graded, Mark, Seen, Stated, Views

Accepted = Sequence[Answer]
"""The accepted answers to a question; empty if it has no answer."""
ARTICLES = re.compile(r"\b(a|an|the)\b")
NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
COLUMNS = ("rows", "exact", "f1", "with_answer", "with_answer_exact", "with_answer_f1", "without", "without_right")


def _share(above: str, below: str) -> Metric:
    """Returns the metric sum(column `above`) / sum(column `below`)."""
    i, j = COLUMNS.index(above), COLUMNS.index(below)

    def formula(sums: Floats) -> Floats:
        return ratio(sums[..., i], sums[..., j])

    return Metric(formula, always=below == "rows")


METRICS: dict[str, Metric] = {
    "exact_match": _share("exact", "rows"),
    "f1": _share("f1", "rows"),
    "has_answer_exact_match": _share("with_answer_exact", "with_answer"),
    "has_answer_f1": _share("with_answer_f1", "with_answer"),
    "no_answer_accuracy": _share("without_right", "without"),
}


def count(references: Sequence[Accepted], predictions: Sequence[str], labels: LabelSpace) -> Counted:
    """Returns exact match and F1 of each question.

    If some questions have no answer, questions with and without an answer are also measured separately.

    Args:
        references: the accepted `Answer`s to each question; empty if it has no answer.
        predictions: texts; empty for no answer.
        labels: not used.

    Raises:
        InputError: a prediction is not a text, or a reference is a text instead of answers.
    """
    check_texts(predictions, "predictions")
    accepted = [accepted_texts(reference, i) for i, reference in enumerate(references)]
    pairs = list(zip(predictions, accepted, strict=True))
    exact = np.array([exact_match(text, texts) for text, texts in pairs])
    overlap = np.array([f1(text, texts) for text, texts in pairs])
    has = np.array([bool(reference) for reference in references], np.float64)
    columns = [np.ones(len(has)), exact, overlap, has, has * exact, has * overlap, 1 - has, (1 - has) * exact]
    measured = tuple(name for name, metric in METRICS.items() if metric.always or not has.all())
    return Counted(np.stack(columns, axis=1), measured, {})


def exact_match(prediction: str, accepted: Sequence[str]) -> float:
    """Returns 1 if an accepted text has the same words in the same order as the prediction, else 0."""
    targets = {" ".join(words) for words in map(words_of, _not_blank(accepted))}
    return float(" ".join(words_of(prediction)) in targets)


def f1(prediction: str, accepted: Sequence[str]) -> float:
    """Returns the F1 of words between the prediction and the closest accepted text."""
    words = words_of(prediction)
    return max(_overlap(words, words_of(text)) for text in _not_blank(accepted))


def words_of(text: str) -> list[str]:
    """Returns the words to compare: in lower case, without punctuation and articles."""
    return ARTICLES.sub(" ", text.lower().translate(NO_PUNCTUATION)).split()


def accepted_texts(reference: Accepted, row: int) -> list[str]:
    """Returns the texts of the accepted answers.

    Args:
        reference: a tuple of `Answer`s.
        row: index of the row, for the message.

    Raises:
        InputError: the reference is a plain text.
    """
    if isinstance(reference, str):
        raise InputError(f"references[{row}] is {reference!r}, expected a tuple of answers, empty if there is none")
    return [answer.text for answer in reference]


def check_texts(values: Sequence[object], what: str) -> None:
    """Checks that all values are texts.

    Raises:
        InputError: a value is not a text.
    """
    wrong = next((i for i, value in enumerate(values) if not isinstance(value, str)), None)
    if wrong is not None:
        raise InputError(f"{what}[{wrong}] is {values[wrong]!r}, expected a text, empty for no answer")


def _not_blank(accepted: Sequence[str]) -> list[str]:
    return [text for text in accepted if words_of(text)] or [""]


def _overlap(predicted: list[str], target: list[str]) -> float:
    if not predicted or not target:
        return float(predicted == target)
    shared = (Counter(predicted) & Counter(target)).total()
    return 2 * shared / (len(predicted) + len(target))


def decide(rows: Undecided) -> Decision:
    """Returns {"no_answer": t}; {} if every question has an answer.

    No answer is given if log(p(no answer) / p(best answer)) is above t, the threshold with the highest F1, as in the
    SQuAD 2.0 script.

    Args:
        rows: labelled rows of validation.
    """
    references, predictions = rows.references, rows.predictions
    if all(references):
        return {}
    best = [p.spans[0]["text"] if p.spans else "" for p in predictions]
    given = [f1(text, accepted_texts(r, i)) for i, (r, text) in enumerate(zip(references, best, strict=True))]
    margins = np.array([p.no_answer_margin for p in predictions])
    none = np.array([not r for r in references], np.float64)
    return {"no_answer": best_margin(margins, np.array(given), none)}


KIND = Kind(ByRow(METRICS, count), decide=decide)


def _grade(rows: Seen) -> Graded:
    """Grades by the F1 of words; a row is as wrong as its F1 is low and its answer is sure."""
    accepted = [accepted_texts(reference, i) for i, reference in enumerate(rows.references)]
    overlap = np.array([f1(text, texts) for text, texts in zip(rows.decisions, accepted, strict=True)])
    sure = _confidence(rows)
    wrong, order = (1 - overlap) * (1.0 if sure is None else sure), "the farthest off and most confident first"
    return Graded("f1", overlap, np.ones(len(overlap)), wrong, order, "" if sure is None else "probability", sure)


def _confidence(rows: Seen) -> Floats | None:
    """Returns the probability of each answer, or of having none; None if one is missing."""
    sure = [p.scores.get("answer" if p.prediction else "no_answer") for p in rows.predictions]
    return None if None in sure else np.array(sure, np.float64)


def _stated(rows: Seen) -> Stated | None:
    sure = _confidence(rows)
    accepted = [accepted_texts(reference, i) for i, reference in enumerate(rows.references)]
    right = [exact_match(text, texts) for text, texts in zip(rows.decisions, accepted, strict=True)]
    return None if sure is None else Stated(sure, np.array(right, bool), "questions")


def _groups(rows: Seen) -> list[tuple[str, ...]] | None:
    if all(rows.references):
        return None
    return [("has an answer" if reference else "has no answer",) for reference in rows.references]


def said(answer: str | Accepted) -> str:
    """Returns an answer or the accepted answers in words."""
    texts = [answer] if isinstance(answer, str) else [part.text for part in answer]
    return " / ".join(dict.fromkeys(filter(None, texts))) or "(no answer)"


def _marks(example: Example, label: object, prediction: Prediction) -> tuple[list[Mark], list[Mark]]:
    """Marks the accepted answers and the predicted one in the context."""
    accepted = [a for a in label if isinstance(a, Answer) and a.start >= 0] if isinstance(label, tuple) else []
    targets = {(a.start, a.start + len(a.text)) for a in accepted}
    found = prediction.spans[0] if prediction.prediction and prediction.spans else None
    given = {(found["start"], found["end"])} if found else set()
    both = targets & given
    marks = [Mark(*place, "right" if place in both else "missed") for place in sorted(targets)]
    return [], [*marks, *(Mark(*place, "wrong") for place in given - both)]


VIEWS = Views(_grade, _groups, said, _stated, marks=_marks)
