"""Of written answers: a copy of what was given."""

import re
from collections.abc import Sequence

import numpy as np

from nlptl.core.records import Example, LabelSpace
from nlptl.evaluation.spans import accepted_texts, f1

SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
N_CHOOSING = 1000  # training rows on which the better copy is chosen


def predict(train: Sequence[Example], rows: Sequence[Example], labels: LabelSpace, seed: int) -> dict[str, list[str]]:
    """Returns the written texts for `rows`: "copy", the source or its first sentence.

    Whichever shares more words (F1) with the answers of training is taken for all rows.

    Args:
        train: labelled examples.
        rows: examples to predict.
        labels: not used.
        seed: of the training rows that are looked at.
    """
    chosen = np.random.default_rng(seed).permutation(len(train))[:N_CHOOSING]
    whole, first = (
        np.mean([f1(copy(train[i].text), _accepted(train[i], i)) for i in chosen]) for copy in (_whole, _first)
    )
    better = _whole if whole >= first else _first
    return {"copy": [better(example.text) for example in rows]}


def _whole(text: str) -> str:
    return text.strip()


def _first(text: str) -> str:
    return SENTENCE_END.split(text.strip(), maxsplit=1)[0]


def _accepted(example: Example, row: int) -> list[str]:
    return [example.label] if isinstance(example.label, str) else accepted_texts(example.label, row)
