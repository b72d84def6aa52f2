"""How often 95 % intervals hold the true value, over simulated test sets: `-m evidence.coverage`."""

import numpy as np

from evidence.common import Given, main
from nlptl import Prediction
from nlptl.core.records import LabelSpace
from nlptl.evaluation import paired_difference, score

N_DRAWS, N_ROWS = 1_000, 300
RIGHT, OTHER = (0.9, 0.7), (0.8, 0.75)
"""Share of correct answers in each of two classes, of two models."""
LABELS = LabelSpace(("a", "b"))
DRAWN = {"n_bootstrap": 1_000}


def measure(given: Given) -> dict[str, float]:
    """Returns the shares of intervals that hold the true accuracy, macro F1 and difference of accuracies."""
    random, held = np.random.default_rng(given.seed), np.zeros(3)
    accuracy, difference = np.mean(RIGHT), np.mean(RIGHT) - np.mean(OTHER)
    for draw in range(N_DRAWS):
        ids = random.integers(0, 2, N_ROWS)
        first, second = (_answers(ids, right, random) for right in (RIGHT, OTHER))
        references = [LABELS.names[i] for i in ids]
        found = score("class", references, first, LABELS, only=["accuracy", "macro_f1"], seed=draw, **DRAWN).metrics
        gain = paired_difference("class", references, first, second, LABELS, "accuracy", seed=draw, **DRAWN)
        pairs = ((found["accuracy"], accuracy), (found["macro_f1"], _macro_f1()), (gain, difference))
        held += [interval.low <= true <= interval.high for interval, true in pairs]
    names = ("accuracy_coverage", "macro_f1_coverage", "difference_coverage")
    return {**dict(zip(names, held / N_DRAWS, strict=True)), "n_rows": N_DRAWS * N_ROWS}


def _answers(ids: np.ndarray, right: tuple[float, float], random: np.random.Generator) -> list[Prediction]:
    correct = random.random(len(ids)) < np.array(right)[ids]
    return [Prediction(i, LABELS.names[a], {}) for i, a in enumerate(np.where(correct, ids, 1 - ids))]


def _macro_f1() -> float:
    """Returns the macro F1 of the first model on endlessly many rows, half of each class."""
    a, b = RIGHT
    return float(np.mean([2 * a / (1 + a + 1 - b), 2 * b / (1 + b + 1 - a)]))


if __name__ == "__main__":
    main(measure)
