"""Numbers: TF-IDF with ridge regression, with the similarity of the texts as features of a pair."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from scipy import sparse  # type: ignore[import-untyped]
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold

from nlptl.core.records import Example, Prediction
from nlptl.core.terms import joined, learnt
from nlptl.evaluation.baseline import Known
from nlptl.evaluation.ratios import Floats, ratio
from nlptl.evaluation.words import N_FOLDS, Weights

STRENGTHS = (0.3, 1.0, 3.0, 10.0)  # of the regularization, chosen by cross-validation


class TfidfRidge:
    """Ridge regression on TF-IDF vectors.

    A pair has two more features: the cosine of the two TF-IDF vectors, and the share of words that both texts have.
    Predictions are clipped to the range of the training numbers.
    """

    kinds: ClassVar[tuple[str, ...]] = ("number",)

    def predict(self, known: Known) -> list[Prediction]:
        """Returns one prediction per row of `known.rows`."""
        targets = np.array([example.label for example in known.train], dtype=np.float64)
        tfidf = learnt([joined(example) for example in known.train])
        if tfidf is None or not known.rows or len(known.train) < N_FOLDS:
            return known.all_the_same(float(targets.mean()))
        folds = KFold(N_FOLDS, shuffle=True, random_state=known.seed)
        model = RidgeCV(STRENGTHS, cv=folds).fit(_features(tfidf, known.train), targets)
        numbers = model.predict(_features(tfidf, known.rows)).clip(targets.min(), targets.max())
        return known.predictions(numbers.tolist())


def _features(tfidf: TfidfVectorizer, examples: Sequence[Example]) -> Weights:
    """Returns TF-IDF weights and two similarities of the texts for each row, sparse (n, words + 2)."""
    words = tfidf.transform([joined(example) for example in examples])
    first = tfidf.transform([example.text for example in examples])
    second = tfidf.transform([example.text_pair or "" for example in examples])
    cosine, shared = _row_sums(first.multiply(second)), _row_sums((first > 0).multiply(second > 0))
    either = _row_sums(first > 0) + _row_sums(second > 0) - shared
    similarity = np.stack([cosine, ratio(shared, either)], axis=1)
    return sparse.hstack([words, sparse.csr_matrix(similarity)]).tocsr()


def _row_sums(matrix: Weights) -> Floats:
    return np.asarray(matrix.sum(axis=1), dtype=np.float64).ravel()
