"""From logits of starts and ends to answers: the best spans of all windows of a context, with probabilities."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from nlptl.core.plain import Span
from nlptl.core.records import Example, Features, Prediction

if TYPE_CHECKING:
    import numpy as np

N_ENDS = 20  # starts and ends looked at in each window, as the SQuAD scripts do


@dataclass(frozen=True)
class Limits:
    """What is looked for."""

    max_answer: int
    """Tokens of an answer."""
    n_best: int
    """Answers listed."""


@dataclass(frozen=True)
class Found:
    """The likeliest answers of one example, and no answer; scores are sums of two logits."""

    spans: list[tuple[float, int, int]]
    """Score, first character and end in the context; best first, no two the same."""
    none: float
    """Score of no answer: the lowest of the windows'."""


def by_example(features: Features, n_examples: int) -> "list[np.ndarray]":
    """Returns the features of each example."""
    import numpy as np

    bounds = np.searchsorted(features.example, np.arange(n_examples + 1))
    return [np.arange(first, last) for first, last in pairwise(bounds)]


def found(logits: "np.ndarray", features: Features, rows: "np.ndarray", limits: Limits) -> Found:
    """Returns the likeliest answers in the windows of one example.

    Args:
        logits: float32 (n_tokens, 2), of all features.
        features: say which tokens are of the context.
        rows: the example's features.
        limits: what is looked for.
    """
    best: dict[tuple[int, int], float] = {}
    none = math.inf
    for row in rows:
        first, last = features.offsets[row], features.offsets[row + 1]
        own, spans = logits[first:last], features.spans[first:last]  # type: ignore[index]
        none = min(none, float(own[0].sum()))  # the first token stands for no answer
        for score, start, end in _spans(own, spans, limits):
            best[start, end] = max(score, best.get((start, end), -math.inf))
    ranked = sorted(((score, *span) for span, score in best.items()), key=lambda s: (-s[0], s[1], s[2]))
    return Found(ranked[: limits.n_best], none)


def _spans(logits: "np.ndarray", spans: "np.ndarray", limits: Limits) -> list[tuple[float, int, int]]:
    import numpy as np

    context = np.flatnonzero(spans[:, 1] > spans[:, 0])  # neither of the question nor a blank
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
        answers: the likeliest ones.
        context: the text that they are pieces of.
        threshold: no answer is given where log(p(no answer) / p(best answer)) is above it; None: one is always given.
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
