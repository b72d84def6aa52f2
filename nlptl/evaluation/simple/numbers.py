"""Of numbers: the mean, and TF-IDF with ridge regression, which of a pair also sees how alike its texts are."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse  # type: ignore[import-untyped]
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold

from nlptl.core.records import Example, LabelSpace
from nlptl.evaluation.formulas import Floats, ratio
from nlptl.evaluation.simple.words import N_FOLDS, joined, learnt

STRENGTHS = (0.3, 1.0, 3.0, 10.0)  # of the regularization


def predict(train: Sequence[Example], rows: Sequence[Example], labels: LabelSpace, seed: int) -> dict[str, list[float]]:
    """Returns the predicted numbers for `rows`, by baseline: "mean" and "tfidf_ridge".

    Ridge regression sees the words of a row and, of a pair, the cosine of its TF-IDF vectors and the share of words
    that the two texts have in common. Its answers stay within the range of the training numbers.

    Args:
        train: labelled examples.
        rows: examples to predict.
        labels: not used.
        seed: of the folds on which the regularization is chosen.
    """
    wanted = np.array([example.label for example in train], dtype=np.float64)
    mean = [float(wanted.mean())] * len(rows)
    tfidf = learnt([joined(example) for example in train])
    if tfidf is None or not rows or len(train) < N_FOLDS:
        return {"mean": mean, "tfidf_ridge": mean}
    folds = KFold(N_FOLDS, shuffle=True, random_state=seed)
    model = RidgeCV(STRENGTHS, cv=folds).fit(_features(tfidf, train), wanted)
    found = model.predict(_features(tfidf, rows)).clip(wanted.min(), wanted.max())
    return {"mean": mean, "tfidf_ridge": found.tolist()}


def _features(tfidf: Any, examples: Sequence[Example]) -> Any:
    """Returns the words of each row and the likeness of its texts, sparse (n, words + 2)."""
    words = tfidf.transform([joined(example) for example in examples])
    first = tfidf.transform([example.text for example in examples])
    second = tfidf.transform([example.text_pair or "" for example in examples])
    cosine, shared = _row_sums(first.multiply(second)), _row_sums((first > 0).multiply(second > 0))
    either = _row_sums(first > 0) + _row_sums(second > 0) - shared
    likeness = np.stack([cosine, ratio(shared, either)], axis=1)
    return sparse.hstack([words, sparse.csr_matrix(likeness)]).tocsr()


def _row_sums(matrix: Any) -> Floats:
    return np.asarray(matrix.sum(axis=1), dtype=np.float64).ravel()
