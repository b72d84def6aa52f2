"""Answers from the logits of starts and ends: the best spans over all windows of a context, with probabilities."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from nlptl.core.plain import Span
from nlptl.core.records import Example, Features, Prediction

if TYPE_CHECKING:
    import numpy as np

N_ENDS = 20  # best starts and ends combined in each window, as in the SQuAD scripts


@dataclass(frozen=True)
class Limits:
    """Limits of the search for answers."""

    max_answer: int
    """Most tokens of an answer."""
    n_best: int
    """Number of answers to return."""


@dataclass(frozen=True)
class Found:
    """The likeliest answers of one example, and the score of no answer; scores are sums of two logits."""

    spans: list[tuple[float, int, int]]
    """Score, start and end (characters of the context) of distinct answers, best first."""
    none: float
    """Score of no answer: the lowest over all windows."""


def by_example(features: Features, n_examples: int) -> "list[np.ndarray]":
    """Returns the indices of each example's features."""
    import numpy as np

    bounds = np.searchsorted(features.example, np.arange(n_examples + 1))
    return [np.arange(first, last) for first, last in pairwise(bounds)]


def found(logits: "np.ndarray", features: Features, rows: "np.ndarray", limits: Limits) -> Found:
    """Returns the likeliest answers in the windows of one example.

    Args:
        logits: float32 (n_tokens, 2), of all features.
        features: the features; their spans tell which tokens belong to the context.
        rows: indices of the example's features.
        limits: limits of the search.
    """
    best: dict[tuple[int, int], float] = {}
    none = math.inf
    for row in rows:
        first, last = features.offsets[row], features.offsets[row + 1]
        scores, spans = logits[first:last], features.spans[first:last]  # type: ignore[index]
        none = min(none, float(scores[0].sum()))  # the first token means no answer
        for score, start, end in _spans(scores, spans, limits):
            best[start, end] = max(score, best.get((start, end), -math.inf))
    ranked = sorted(((score, *span) for span, score in best.items()), key=lambda s: (-s[0], s[1], s[2]))
    return Found(ranked[: limits.n_best], none)


def _spans(logits: "np.ndarray", spans: "np.ndarray", limits: Limits) -> list[tuple[float, int, int]]:
    import numpy as np

    context = np.flatnonzero(spans[:, 1] > spans[:, 0])  # without the question and blanks
    starts = context[np.argsort(-logits[context, 0], kind="stable")[:N_ENDS]]
    ends = context[np.argsort(-logits[context, 1], kind="stable")[:N_ENDS]]
    length = ends[None, :] - starts[:, None] + 1  # (starts, ends)
    pairs = np.argwhere((length >= 1) & (length <= limits.max_answer))
    return [
        (float(logits[starts[i], 0] + logits[ends[j], 1]), int(spans[starts[i], 0]), int(spans[ends[j], 1]))
        for i, j in pairs
    ]


def prediction(example: Example, answers: Found, context: str, threshold: float | None) -> Prediction:
    """Returns the prediction for one question.

    Args:
        example: the row.
        answers: the likeliest answers.
        context: the text of the context.
        threshold: if log(p(no answer) / p(best answer)) is above it, the prediction is empty; None: never.
    """
    scores = [answers.none, *(score for score, _, _ in answers.spans)]
    none, *given = _softmax(scores)
    spans: list[Span] = [
        {"text": context[start:end], "start": start, "end": end, "score": p}
        for (_, start, end), p in zip(answers.spans, given, strict=True)
    ]
    best = Prediction(
        example.row_id,
        spans[0]["text"] if spans else "",
        {"answer": given[0] if given else 0.0, "no_answer": none},
        spans,
        threshold,
    )
    declined = threshold is not None and best.no_answer_margin > threshold
    return replace(best, prediction="") if declined else best


def _softmax(scores: Sequence[float]) -> list[float]:
    top = max(scores)
    powers = [math.exp(score - top) for score in scores]
    return [power / sum(powers) for power in powers]
