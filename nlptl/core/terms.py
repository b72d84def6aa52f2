"""TF-IDF weights of texts, over words and pairs of neighbouring words: for baselines, and for heads that read them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]
from sklearn.feature_extraction.text import TfidfVectorizer

from nlptl.core.errors import InputError
from nlptl.core.records import Example

SEPARATOR = " ||| "
TOKEN = r"\w+|[^\w\s]+"  # words, also of one letter, and punctuation: "n't", "!" and ":)" carry sentiment
N_SMALL = 5000  # with fewer rows, words that occur in only one row are kept
NAMES_FILE, WEIGHTS_FILE = "terms.json", "terms.safetensors"


def joined(example: Example) -> str:
    """Returns the text of an example, or both texts of a pair as one."""
    return example.text if example.text_pair is None else f"{example.text}{SEPARATOR}{example.text_pair}"


def learnt(texts: Sequence[str], most: int | None = None) -> TfidfVectorizer | None:
    """Returns a `TfidfVectorizer` fitted to texts; None if there is no word to learn.

    Args:
        texts: one per row.
        most: number of terms, the most frequent ones; None for all.
    """
    tfidf = _vectorizer(min_df=1 if len(texts) < N_SMALL else 2, max_features=most)
    try:
        return tfidf.fit(texts)
    except ValueError:  # the vocabulary is empty: all texts are blank, or no word occurs twice
        return None


class Terms:
    """The words and pairs of words that a head reads, with their inverse document frequencies.

    Args:
        tfidf: fitted.
    """

    def __init__(self, tfidf: TfidfVectorizer) -> None:
        self._tfidf = tfidf

    def __len__(self) -> int:
        """Returns the number of terms."""
        return len(self._tfidf.vocabulary_)

    def rows(self, examples: Sequence[Example]) -> csr_matrix:
        """Returns the TF-IDF weights of examples, sparse float32 (examples, terms), each row of length 1."""
        return self._tfidf.transform([joined(example) for example in examples]).astype(np.float32)

    def save(self, folder: Path) -> None:
        """Writes the terms as JSON, and their inverse document frequencies as safetensors."""
        from safetensors.numpy import save_file

        names = [str(name) for name in self._tfidf.get_feature_names_out()]
        (folder / NAMES_FILE).write_text(json.dumps(names, ensure_ascii=False), encoding="utf-8")
        save_file({"idf": np.asarray(self._tfidf.idf_)}, folder / WEIGHTS_FILE)

    @staticmethod
    def load(folder: Path) -> Terms:
        """Returns the terms that `save` wrote.

        Raises:
            InputError: a file is missing or damaged.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            names = json.loads((folder / NAMES_FILE).read_text(encoding="utf-8"))
            idf = load_file(folder / WEIGHTS_FILE)["idf"]
            tfidf = _vectorizer(vocabulary={name: i for i, name in enumerate(names)})
            tfidf.idf_ = idf
        except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{folder / NAMES_FILE} or {WEIGHTS_FILE} is missing or damaged: {error}") from error
        return Terms(tfidf)


def _vectorizer(**options: object) -> TfidfVectorizer:
    return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=TOKEN, **options)
