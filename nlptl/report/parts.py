"""What the pages of runs, comparisons and studies are made of: verdicts, settings, figures, rows with their texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from nlptl.report.excerpts import Piece

Texts = Sequence[Sequence[Piece]]
"""The texts of a row: one, or two of a pair."""


@dataclass(frozen=True)
class Verdict:
    """What the run is worth, in words."""

    tone: Literal["good", "unclear", "bad", "none"]
    headline: str
    sentences: Sequence[str] = ()
    advice: Sequence[str] = ()
    command: str | None = None
    """A command that goes on, or gives a better model."""


@dataclass(frozen=True)
class Setting:
    """A setting and why it has its value."""

    name: str
    value: str
    reason: str = ""


@dataclass(frozen=True)
class Figure:
    """A plot and what it shows."""

    svg: str
    title: str
    note: str = ""
    width: int = 0
    """In pixels, of a wide figure, which is scrolled rather than made small; 0: it fits a phone."""


@dataclass(frozen=True)
class Key:
    """What a colour and marker stand for."""

    place: int
    name: str


@dataclass(frozen=True)
class ErrorRow:
    """A row with a wrong answer, or with a label that is likely wrong."""

    split: str
    row_id: int
    label: str
    prediction: str
    measure: str
    """How wrong or how sure, in words: "0.98"."""
    texts: Texts = ()
    explained: str = ""
    """What the colours of the words explain, in words; empty if they have none."""

    @property
    def named(self) -> bool:
        """Whether the marks in the texts say what label and prediction are."""
        return any(piece.names for text in self.texts for piece in text)


@dataclass(frozen=True)
class Errors:
    """Rows to look at."""

    rows: Sequence[ErrorRow]
    n: int
    """How many there are; the page shows the first."""
    measure: str
    """What `ErrorRow.measure` is, for the heading."""
    order: str = ""

    @property
    def marked(self) -> bool:
        """Whether parts of the texts are marked."""
        return any(piece.sorts for row in self.rows if not row.explained for text in row.texts for piece in text)

    @property
    def explained(self) -> int:
        """Number of rows whose words are coloured by what they add to the prediction."""
        return sum(bool(row.explained) for row in self.rows)
