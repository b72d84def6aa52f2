"""Labels: TF-IDF with logistic regression."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from nlptl.core.records import Prediction
from nlptl.core.terms import joined, learnt
from nlptl.evaluation import kinds
from nlptl.evaluation.baseline import Known
from nlptl.evaluation.confusion import Ids
from nlptl.evaluation.ratios import Floats
from nlptl.evaluation.words import N_CHOOSING, N_FOLDS, Weights

STRENGTHS = (1.0, 10.0)  # inverse regularization for one label per row, tried in this order
STRENGTH = 10.0  # inverse regularization for several labels
THRESHOLDS = (0.5, 0.4, 0.3, 0.2, 0.1)  # tried in this order; 0.5 would never predict rare labels


class TfidfLogreg:
    """Logistic regression on TF-IDF vectors.

    For one label per row, the regularization is chosen by cross-validation. For several labels, those whose
    probability reaches a common threshold are predicted; it is chosen by micro F1. Both choices use at most 5,000
    training rows.
    """

    kinds: ClassVar[tuple[str, ...]] = ("class", "classes")

    def predict(self, known: Known) -> list[Prediction]:
        """Returns one prediction per row of `known.rows`, with probabilities."""
        texts, unseen = [joined(example) for example in known.train], [joined(example) for example in known.rows]
        targets, names = known.targets(), known.labels.names
        if kinds.of(known.output).is_several:
            threshold = _choose_threshold(texts, targets, known.seed)
            scores = _each(texts, targets, unseen)
            answers: list[object] = [
                [name for name, score in zip(names, row, strict=True) if score >= threshold] for row in scores
            ]
        else:
            ids = targets.argmax(1)
            best, scores = _one(texts, ids, unseen, _choose_strength(texts, ids, known.seed), len(names))
            answers = [names[i] for i in best]
        return known.predictions(answers, scores.tolist())


def _choose_strength(texts: list[str], ids: Ids, seed: int) -> float:
    """Returns the regularization strength with the highest accuracy in stratified 3-fold cross-validation."""
    random = np.random.default_rng(seed)
    chosen = random.permutation(len(ids))[:N_CHOOSING]
    # Sorted by class and dealt out in turn, so that each fold gets its share of every class.
    by_class = chosen[np.argsort(ids[chosen], kind="stable")]
    hits = np.zeros(len(STRENGTHS))
    for fold in range(min(N_FOLDS, len(by_class)) if len(by_class) > 1 else 0):
        held_out = by_class[fold::N_FOLDS]
        kept = np.setdiff1d(by_class, held_out)
        texts_kept, unseen = [texts[i] for i in kept], [texts[i] for i in held_out]
        words = _words(texts_kept, ids[kept], unseen)
        for i, strength in enumerate(STRENGTHS):
            constant = np.full(len(held_out), _majority(ids[kept]))
            guesses = constant if words is None else _fit(words[0], ids[kept], strength).predict(words[1])
            hits[i] += np.count_nonzero(guesses == ids[held_out])
    return STRENGTHS[int(hits.argmax())]


def _one(texts: list[str], ids: Ids, unseen: list[str], strength: float, n_classes: int) -> tuple[Ids, Floats]:
    """Returns class ids, (unseen rows,), and probabilities, (unseen rows, classes)."""
    words = _words(texts, ids, unseen)
    if words is None:
        shares = np.bincount(ids, minlength=n_classes) / len(ids)
        return np.full(len(unseen), _majority(ids)), np.tile(shares, (len(unseen), 1))
    model = _fit(words[0], ids, strength)
    scores = np.zeros((len(unseen), n_classes))
    scores[:, model.classes_] = model.predict_proba(words[1])
    return model.predict(words[1]), scores


def _words(texts: list[str], ids: Ids, unseen: list[str]) -> tuple[Weights, Weights] | None:
    """Returns the TF-IDF vectors of texts and of unseen texts; None if there is nothing to learn or to predict."""
    tfidf = None if not unseen or np.all(ids == ids[0]) else learnt(texts)
    return None if tfidf is None else (tfidf.transform(texts), tfidf.transform(unseen))


def _fit(words: Weights, ids: Ids, strength: float) -> OneVsRestClassifier:
    # One-vs-rest with liblinear is as accurate as multinomial solvers, and 2-5 times as fast with many classes.
    return OneVsRestClassifier(LogisticRegression(C=strength, solver="liblinear")).fit(words, ids)


def _majority(ids: Ids) -> int:
    return int(np.bincount(ids).argmax())  # ties: the first in the label space


def _choose_threshold(texts: Sequence[str], targets: Floats, seed: int) -> float:
    chosen = np.random.default_rng(seed).permutation(len(texts))[:N_CHOOSING]
    held_out, kept = chosen[::3], np.concatenate([chosen[1::3], chosen[2::3]])
    if not len(kept):
        return THRESHOLDS[0]
    likely = _each([texts[i] for i in kept], targets[kept], [texts[i] for i in held_out])
    scores = [_micro_f1(targets[held_out], likely >= threshold) for threshold in THRESHOLDS]
    return THRESHOLDS[int(np.argmax(scores))]


def _micro_f1(targets: Floats, predicted: npt.NDArray[np.bool_]) -> float:
    return float(2 * (targets * predicted).sum() / max(1, targets.sum() + predicted.sum()))


def _each(texts: list[str], targets: Floats, unseen: list[str]) -> Floats:
    """Returns the probability of each label, (unseen rows, classes); its training share if it cannot be learned."""
    shares = np.tile(targets.mean(0), (len(unseen), 1))
    tfidf = learnt(texts)
    if tfidf is None or not unseen:
        return shares
    words, new_words = tfidf.transform(texts), tfidf.transform(unseen)
    for label in np.flatnonzero((shares[0] > 0) & (shares[0] < 1)):
        model = LogisticRegression(C=STRENGTH, solver="liblinear").fit(words, targets[:, label])
        shares[:, label] = model.predict_proba(new_words)[:, 1]
    return shares
