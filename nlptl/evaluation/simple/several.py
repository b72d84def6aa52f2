"""Of several labels a row: the commonest set of labels, and TF-IDF with one logistic regression a label."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from nlptl.core.records import Example, LabelSpace
from nlptl.evaluation.formulas import Floats
from nlptl.evaluation.several import indicators
from nlptl.evaluation.simple.words import N_CHOOSING, joined, learnt

STRENGTH = 10.0  # inverse regularization
THRESHOLDS = (0.5, 0.4, 0.3, 0.2, 0.1)  # tried in this order; one half leaves rare labels out


def predict(
    train: Sequence[Example], rows: Sequence[Example], labels: LabelSpace, seed: int
) -> dict[str, list[list[str]]]:
    """Returns the predicted label names for `rows`, by baseline.

    "majority" is the set of labels that most training rows have, which may be empty. "tfidf_logreg" predicts the labels
    whose probability is above one threshold, chosen for micro F1 on a third of at most 5,000 training rows.

    Args:
        train: labelled examples.
        rows: examples to predict.
        labels: the label space.
        seed: of the rows on which the threshold is chosen.

    Raises:
        InputError: a training example has a label outside of the label space.
    """
    wanted = indicators([example.label for example in train], labels, "train labels")
    texts, unseen = [joined(example) for example in train], [joined(example) for example in rows]
    threshold = _choose_threshold(texts, wanted, seed)
    likely = _probabilities(texts, wanted, unseen) >= threshold
    commonest = Counter(tuple(row) for row in wanted).most_common(1)[0][0]
    return {
        "majority": [_names(commonest, labels) for _ in rows],
        "tfidf_logreg": [_names(row, labels) for row in likely],
    }


def _names(row: Any, labels: LabelSpace) -> list[str]:
    return [name for name, has in zip(labels.names, row, strict=True) if has]


def _choose_threshold(texts: list[str], wanted: Floats, seed: int) -> float:
    chosen = np.random.default_rng(seed).permutation(len(texts))[:N_CHOOSING]
    held_out, kept = chosen[::3], np.concatenate([chosen[1::3], chosen[2::3]])
    if not len(kept):
        return THRESHOLDS[0]
    likely = _probabilities([texts[i] for i in kept], wanted[kept], [texts[i] for i in held_out])
    scores = [_micro_f1(wanted[held_out], likely >= threshold) for threshold in THRESHOLDS]
    return THRESHOLDS[int(np.argmax(scores))]


def _micro_f1(wanted: Floats, found: Any) -> float:
    return float(2 * (wanted * found).sum() / max(1, wanted.sum() + found.sum()))


def _probabilities(texts: list[str], wanted: Floats, unseen: list[str]) -> Floats:
    """Returns (unseen rows, classes); the share of a label where there is nothing to tell it by."""
    shares = np.tile(wanted.mean(0), (len(unseen), 1))
    tfidf = learnt(texts)
    if tfidf is None or not unseen:
        return shares
    words, new_words = tfidf.transform(texts), tfidf.transform(unseen)
    for label in np.flatnonzero((shares[0] > 0) & (shares[0] < 1)):
        model = LogisticRegression(C=STRENGTH, solver="liblinear").fit(words, wanted[:, label])
        shares[:, label] = model.predict_proba(new_words)[:, 1]
    return shares
