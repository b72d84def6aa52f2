"""Of one label a row: the majority class, and TF-IDF with logistic regression."""

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from nlptl.core.records import Example, LabelSpace
from nlptl.evaluation.confusion import Ids, class_ids
from nlptl.evaluation.simple.words import N_CHOOSING, N_FOLDS, joined, learnt

STRENGTHS = (1.0, 10.0)  # inverse regularization, tried in this order


def predict(train: Sequence[Example], rows: Sequence[Example], labels: LabelSpace, seed: int) -> dict[str, list[str]]:
    """Returns the predicted label names for `rows`, by baseline: "majority" and "tfidf_logreg".

    Args:
        train: labelled examples.
        rows: examples to predict.
        labels: the label space.
        seed: of the folds on which the regularization is chosen.

    Raises:
        InputError: a training example has a label outside of the label space.
    """
    ids = class_ids([example.label for example in train], labels, "train labels")
    texts, unseen = [joined(example) for example in train], [joined(example) for example in rows]
    strength = _choose_strength(texts, ids, seed)
    by_words = _fit_predict(texts, ids, unseen, (strength,))[0]
    return {
        "majority": [labels.names[_majority(ids)]] * len(rows),
        "tfidf_logreg": [labels.names[i] for i in by_words],
    }


def _majority(ids: Ids) -> int:
    return int(np.bincount(ids).argmax())  # of equals, the first in the label space


def _choose_strength(texts: list[str], ids: Ids, seed: int) -> float:
    """Returns the regularization strength with most hits in a stratified 3-fold cross-validation."""
    random = np.random.default_rng(seed)
    chosen = random.permutation(len(ids))[:N_CHOOSING]
    by_class = chosen[
        np.argsort(ids[chosen], kind="stable")
    ]  # dealt out in turn, each fold gets its share of each class
    hits = np.zeros(len(STRENGTHS))
    for fold in range(min(N_FOLDS, len(by_class)) if len(by_class) > 1 else 0):
        held_out = by_class[fold::N_FOLDS]
        kept = np.setdiff1d(by_class, held_out)
        guesses = _fit_predict([texts[i] for i in kept], ids[kept], [texts[i] for i in held_out], STRENGTHS)
        hits += (guesses == ids[held_out]).sum(axis=1)
    return STRENGTHS[int(hits.argmax())]


def _fit_predict(texts: list[str], ids: Ids, unseen: list[str], strengths: Sequence[float]) -> Ids:
    """Returns class ids, (strengths, unseen rows); the majority class where there is nothing to learn from."""
    constant = np.full((len(strengths), len(unseen)), _majority(ids))
    if not unseen or np.all(ids == ids[0]):
        return constant
    tfidf = learnt(texts)
    if tfidf is None:
        return constant
    words, new_words = tfidf.transform(texts), tfidf.transform(unseen)
    # one against the rest with liblinear: as accurate as multinomial solvers, and 2-5 times as fast with many classes
    models = (OneVsRestClassifier(LogisticRegression(C=c, solver="liblinear")) for c in strengths)
    return np.stack([model.fit(words, ids).predict(new_words) for model in models])
