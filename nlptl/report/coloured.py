"""The words of an error on a page, coloured by what they add to the prediction.

Blue with a solid line below is for the label, orange with a dotted line against it (Okabe and Ito 2008), in four
strengths; the lines tell both apart in print without colours.
"""

from dataclasses import replace

from nlptl.core.explanation import Explanation, Word
from nlptl.report.excerpts import Mark, pieces
from nlptl.report.explaining import LEAST
from nlptl.report.parts import ErrorRow
from nlptl.report.rendering import label, number, signed

LEVELS = (LEAST, 0.3, 0.55, 0.8)
"""Shares of the largest value from which a word has each strength."""
MOST = 900
"""Characters of an explained text: more than of others, because the strong words should be seen."""


def explained(row: ErrorRow, found: Explanation) -> ErrorRow:
    """Returns an error with coloured words, and with what was explained in words.

    Args:
        row: the error.
        found: its explanation.
    """
    largest = max((abs(word.value) for word in found.words if word.value is not None), default=0.0)
    texts = [found.text, *([] if found.text_pair is None else [found.text_pair])]
    columns = ("text", "text_pair")
    coloured = [
        pieces(text, [m for w in found.words if w.column == column and (m := _mark(w, largest))], MOST)
        for text, column in zip(texts, columns, strict=False)
    ]
    return replace(row, texts=coloured, explained=_in_words(found, largest))


def _mark(word: Word, largest: float) -> Mark | None:
    """Returns how a word is marked; None for words that add little, or that were not read."""
    share = abs(word.value or 0.0) / largest if largest else 0.0
    level = sum(share >= least for least in LEVELS)
    if not level:
        return None
    return word.start, word.end, f"{'for' if (word.value or 0.0) > 0 else 'against'} l{level}", ""


def _in_words(found: Explanation, largest: float) -> str:
    of = f"{found.explained} of {label(found.label)}" if found.label is not None else found.explained
    said = [f"{of}: {number(found.value)}, without words {number(found.baseline)}"]
    said.append(f"the strongest word adds or takes {number(largest)}")
    unread = sum(word.value is None for word in found.words)
    said += [f"TF-IDF terms, not coloured, add {signed(found.terms)}"] if found.terms is not None else []
    said += [f"{unread:,} words were not read"] if unread else []
    said += [f"rough: the sum misses by {signed(found.error)}"] if not found.is_complete else []
    return "; ".join(said)
