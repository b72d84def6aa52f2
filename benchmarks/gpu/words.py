"""Made-up texts whose numbers of tokens are given: where a GPU is, there may be neither data sets nor a network."""

import bisect
import itertools
import random
import string
from collections.abc import Sequence

N_WORDS = 20_000  # that texts use, common ones far more often, as in English
SST2 = (3, 4, 4, 5, 6, 6, 7, 8, 8, 9, 10, 11, 13, 14, 16, 18, 20, 23, 27, 33, 66)
"""Tokens of SST-2's training sentences, special ones among them: every twentieth of them has at most so many."""
N_SPECIAL = 2  # that BERT and RoBERTa put around a text


def vocabulary(n: int) -> list[str]:
    """Returns n words of letters, each a token of its own."""
    words = ("".join(letters) for k in (3, 4) for letters in itertools.product(string.ascii_lowercase, repeat=k))
    return list(itertools.islice(words, n))


def lengths(n: int, quantiles: Sequence[int], seed: int) -> list[int]:
    """Returns n numbers of tokens that are spread like the quantiles say."""
    draw = random.Random(seed)

    def one() -> int:
        place = draw.random() * (len(quantiles) - 1)
        below = quantiles[int(place)]
        return round(below + (place % 1) * (quantiles[int(place) + 1] - below))

    return [one() for _ in range(n)]


def table(n_tokens: Sequence[int], seed: int, n_words: int = N_WORDS) -> str:
    """Returns rows of a text and a label, which follows from the first word, with tabs between them.

    Args:
        n_tokens: of each text, special ones among them.
        seed: of the words.
        n_words: that texts use.
    """
    words, draw = vocabulary(n_words), random.Random(seed)
    weights = list(itertools.accumulate(1 / (rank + 10) for rank in range(n_words)))

    def place() -> int:
        return min(bisect.bisect(weights, draw.random() * weights[-1]), n_words - 1)

    rows = []
    for n in n_tokens:
        text = [place() for _ in range(max(1, n - N_SPECIAL))]
        rows.append(f"{' '.join(words[i] for i in text)}\t{text[0] % 2}\n")
    return "sentence\tlabel\n" + "".join(rows)
