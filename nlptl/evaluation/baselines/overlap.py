"""Questions: a part of the context sentence that shares most words with the question."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import ClassVar

import numpy as np

from nlptl.core.records import Example, Prediction
from nlptl.evaluation.baseline import Known

SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
WORD = re.compile(r"\w+")
Word = tuple[str, int, int]
"""The word in lower case, and its start and end in the text."""


class Overlap:
    """The heaviest run of words outside the question, in the sentence that shares most with the question.

    A word weighs its inverse frequency among the training sentences. A run has at most the median length of the
    training answers.
    """

    kinds: ClassVar[tuple[str, ...]] = ("span",)

    def predict(self, known: Known) -> list[Prediction]:
        """Returns one prediction per row of `known.rows`."""
        weights = _rarities([example.text_pair or "" for example in known.train])
        lengths = [len(WORD.findall(answer.text)) for example in known.train for answer in example.label]
        longest = max(1, round(float(np.median(lengths)))) if lengths else 1
        return known.predictions([_answer(example, weights, longest) for example in known.rows])


def _rarities(contexts: Sequence[str]) -> dict[str, float]:
    """Returns log(sentences / sentences with the word) of each word in the contexts."""
    sentences = [{word for word, _, _ in sentence} for text in dict.fromkeys(contexts) for sentence in _sentences(text)]
    counts = Counter(word for sentence in sentences for word in sentence)
    return {word: math.log(len(sentences) / n) for word, n in counts.items()}


def _sentences(text: str) -> list[list[Word]]:
    bounds = [0, *(end.end() for end in SENTENCE_END.finditer(text)), len(text)]
    words = [(match[0].lower(), *match.span()) for match in WORD.finditer(text)]
    number = np.searchsorted(bounds, [start for _, start, _ in words], side="right")
    return [[word for _, word in group] for _, group in groupby(zip(number, words, strict=True), key=lambda p: p[0])]


def _answer(example: Example, weights: Mapping[str, float], longest: int) -> str:
    context, asked = example.text_pair or "", {word.lower() for word in WORD.findall(example.text)}
    unknown = max(weights.values(), default=1.0)

    def weight(words: Sequence[Word]) -> float:
        return sum(weights.get(word, unknown) for word in {word for word, _, _ in words})

    sentences = _sentences(context)
    if not sentences:
        return ""
    best = max(sentences, key=lambda sentence: weight([word for word in sentence if word[0] in asked]))
    runs = [list(run) for new, run in groupby(best, key=lambda word: word[0] not in asked) if new] or [best]
    pieces = [run[i : i + longest] for run in runs for i in range(max(1, len(run) - longest + 1))]
    piece = max(pieces, key=weight)
    return context[piece[0][1] : piece[-1][2]]
