"""What is decided on validation and becomes part of the model: thresholds, for each label or for giving no answer."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from nlptl.core.records import LabelSpace, Output, Prediction
from nlptl.evaluation.formulas import Floats
from nlptl.evaluation.spans import accepted_texts, f1

UNTUNED = 0.5


def decide(
    output: Output, references: Sequence[Any], predictions: Sequence[Prediction], labels: LabelSpace
) -> dict[str, Any]:
    """Returns the thresholds that suit these rows best; {} where the kind of output has none.

    classes: {"thresholds": {label: probability}}, each with the highest F1 of its label; a label that no row has gets
    the one threshold that suits all others together. span, where some rows have no answer: {"no_answer": t}, no answer
    is given where log(p(no answer) / p(best answer)) is above t, with the highest F1, as the SQuAD 2.0 script finds it.

    Args:
        output: the kind of output.
        references: what is right.
        predictions: of the same rows, made with any thresholds.
        labels: the label space.
    """
    if output == "classes":
        return {"thresholds": _by_label(references, predictions, labels)}
    if output == "span" and not all(references):
        return {"no_answer": _no_answer(references, predictions)}
    return {}


def _by_label(
    references: Sequence[Sequence[str]], predictions: Sequence[Prediction], labels: LabelSpace
) -> dict[str, float]:
    scores = np.array([[p.scores[name] for name in labels.names] for p in predictions])  # (rows, classes)
    right = np.array([[name in row for name in labels.names] for row in references])
    common = _best_f1(scores.ravel(), right.ravel())
    return {
        name: _best_f1(scores[:, i], right[:, i]) if right[:, i].any() else common
        for i, name in enumerate(labels.names)
    }


def _best_f1(scores: Floats, right: npt.NDArray[np.bool_]) -> float:
    """Returns the threshold with the highest F1, halfway to the next lower score; one half where nothing is right."""
    if not right.any():
        return UNTUNED
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(right[order])
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + hits[-1])
    ends = np.append(ranked[1:] < ranked[:-1], True)  # rows of equal score stay together
    best = int(np.where(ends, f1, -1.0).argmax())
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return float((ranked[best] + below) / 2)


def _no_answer(references: Sequence[Any], predictions: Sequence[Prediction]) -> float:
    margins = np.array([p.no_answer_margin for p in predictions])
    best = [p.spans[0]["text"] if p.spans else "" for p in predictions]
    given = np.array([f1(text, accepted_texts(r, i)) for i, (r, text) in enumerate(zip(references, best, strict=True))])
    none = np.array([not r for r in references], np.float64)
    order = np.argsort(margins, kind="stable")
    # With i rows answered, the i with the lowest margins: their F1, and what declining earns on all others.
    totals = none.sum() + np.append(0.0, np.cumsum(given[order] - none[order]))
    ranked = np.concatenate([[margins.min() - 1], margins[order], [margins.max() + 1]])
    free = ranked[1:] > ranked[:-1]  # rows of equal margin stay together
    n_answered = int(np.where(free, totals, -1.0).argmax())
    return float((ranked[n_answered] + ranked[n_answered + 1]) / 2)
