"""Cuts texts to what fits on a page, in pieces that say which parts are marked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from nlptl.core.shown import shown

MOST = 360
"""Most characters of a text."""
BEFORE = 100
"""Characters before the first mark, if a long text is cut."""

Mark = tuple[int, int, str, str]
"""First character, index after the last, sort ("right", "missed", "wrong"), and a name such as an entity's type."""


@dataclass(frozen=True)
class Piece:
    """Neighbouring characters with the same marks."""

    text: str
    sorts: str = ""
    """The sorts of the marks, separated by blanks; empty for unmarked text."""
    names: tuple[tuple[str, str], ...] = ()
    """Sort and name of each mark that ends here."""


def pieces(text: str, marks: Sequence[Mark] = (), most: int = MOST) -> list[Piece]:
    """Returns a text in pieces, on one line and without control characters; a long one is cut around its marks.

    Args:
        text: any text.
        marks: parts of it; they may overlap.
        most: characters that are shown.
    """
    marks = [mark for mark in marks if 0 <= mark[0] < mark[1] <= len(text)]
    first, last = _window(text, marks, most)
    cuts = sorted({first, last, *(end for mark in marks for end in mark[:2] if first < end < last)})
    found = [_piece(text, start, end, marks) for start, end in pairwise(cuts)]
    return [*([Piece("... ")] if first else []), *found, *([Piece(" ...")] if last < len(text) else [])]


def _window(text: str, marks: Sequence[Mark], most: int) -> tuple[int, int]:
    if len(text) <= most:
        return 0, len(text)
    wrong = [mark[0] for mark in marks if mark[2] != "right"] or [mark[0] for mark in marks]
    first = max(0, min(min(wrong, default=0) - BEFORE, len(text) - most))
    return first, first + most


def _piece(text: str, start: int, end: int, marks: Sequence[Mark]) -> Piece:
    here = [mark for mark in marks if mark[0] <= start and end <= mark[1]]
    names = tuple((mark[2], shown(mark[3], 40)) for mark in here if mark[1] == end and mark[3])
    sorts = " ".join(dict.fromkeys(mark[2] for mark in here))
    return Piece(shown(re.sub(r"\s+", " ", text[start:end])), sorts, names)
