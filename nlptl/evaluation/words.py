"""TF-IDF vectors of texts, over words and pairs of neighbouring words."""

from collections.abc import Sequence

from scipy.sparse import csr_matrix  # type: ignore[import-untyped]
from sklearn.feature_extraction.text import TfidfVectorizer

from nlptl.core.records import Example

Weights = csr_matrix
"""TF-IDF weights, sparse (rows, words)."""
SEPARATOR = " ||| "
TOKEN = r"\w+|[^\w\s]+"  # words, also of one letter, and punctuation: "n't", "!" and ":)" carry sentiment
N_SMALL = 5000  # with fewer rows, words that occur in only one row are kept
N_FOLDS = 3
N_CHOOSING = 5000  # most rows for choosing hyperparameters


def joined(example: Example) -> str:
    """Returns the text of an example, or both texts of a pair as one."""
    return example.text if example.text_pair is None else f"{example.text}{SEPARATOR}{example.text_pair}"


def learnt(texts: Sequence[str]) -> TfidfVectorizer | None:
    """Returns a `TfidfVectorizer` fitted to texts; None if there is no word to learn.

    Args:
        texts: one per row.
    """
    min_df = 1 if len(texts) < N_SMALL else 2
    tfidf = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=min_df, token_pattern=TOKEN)
    try:
        return tfidf.fit(texts)
    except ValueError:  # the vocabulary is empty: all texts are blank, or no word occurs twice
        return None
