"""The words of a text, coloured by what they add to a prediction."""

from collections.abc import Sequence

from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text

from nlptl.core.explanation import Explanation, Word
from nlptl.report.tables import headed
from nlptl.report.voice import cell, shown_here

FOR, AGAINST = (0, 114, 178), (230, 159, 0)
"""Blue and orange, which the colour-blind tell apart (Okabe and Ito 2008)."""
LEAST = 0.1
"""Words that add less than this share of the largest value stay without colour."""
DARK = 0.55
"""Above this share blue is so dark that white letters are read better on it."""


def heading(found: Explanation) -> str:
    """Returns what is explained, in one line."""
    label = "" if found.label is None else f"{shown_here(found.label, 60)}, "
    change = found.value - found.baseline
    steps = f"completeness error {found.error:+.4f} after {found.n_steps} steps"
    values = f"{found.explained} {found.value:.4f}, {found.baseline:.4f} without words, words add {change:+.4f}"
    return f"{label}{values} ({steps})"


def text(found: Explanation, column: str) -> Text:
    """Returns a text with each word on a colour, or if the terminal has none, with its value in brackets."""
    whole = str(getattr(found, column))
    words = [word for word in found.words if word.column == column]
    largest = max((abs(word.value) for word in found.words if word.value is not None), default=0.0)
    has_colours = Console().color_system is not None
    shown, end = Text(), 0
    for word in words:
        shown.append(shown_here(whole[end : word.start]))
        shown.append_text(_coloured(word, largest) if has_colours else Text(_bracketed(word)))
        end = word.end
    return shown.append(shown_here(whole[end:]))


def values(words: Sequence[Word]) -> Table:
    """Returns the table of the words' values, the largest first; words that were not read are left out."""
    table = headed("what each word adds", ("word", "start", "end", "value"))
    known = [(word, word.value) for word in words if word.value is not None]
    for word, value in sorted(known, key=lambda pair: -abs(pair[1])):
        table.add_row(cell(word.text), str(word.start), str(word.end), f"{value:+.4f}")
    return table


def _bracketed(word: Word) -> str:
    return shown_here(word.text) + ("" if word.value is None else f"[{word.value:+.2f}]")


def _coloured(word: Word, largest: float) -> Text:
    if word.value is None:
        return Text(shown_here(word.text), "dim")
    share = abs(word.value) / largest if largest else 0.0
    return Text(shown_here(word.text), _style(share, FOR if word.value > 0 else AGAINST) if share >= LEAST else "")


def _style(share: float, full: tuple[int, int, int]) -> Style:
    red, green, blue = (round(255 + share * (end - 255)) for end in full)
    letters = "#ffffff" if full == FOR and share > DARK else "#000000"
    return Style(color=letters, bgcolor=f"rgb({red},{green},{blue})")
