"""The page that shows a run: one HTML file without scripts, which asks for nothing from elsewhere."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from nlptl.core.records import Finding, Interval
from nlptl.core.shown import LABEL, shown
from nlptl.report.excerpts import Piece

TEMPLATES = Path(__file__).parent / "templates"
MOST_TEXT, MOST_ANSWER = 2000, 300
"""Characters of a message or a setting, and of an answer."""
SPLIT_MATRIX, SHORT_NAMES = 25, 6
"""Most classes of a confusion matrix, and most whose columns have names in place of numbers."""

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
class Standing:
    """The run or a baseline, by the primary metric."""

    name: str
    value: Interval
    gain: Interval | None = None
    """The run's value minus the baseline's; None for the run itself."""


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


@dataclass(frozen=True)
class Confusion:
    """Labels against predictions."""

    names: Sequence[str]
    counts: Sequence[Sequence[int]]
    """Rows are labels, columns are predictions; empty if there are too many classes."""
    pairs: Sequence[tuple[str, str, int, float]]
    """Label, prediction, rows, and their share of the label's rows; the most frequent first."""


@dataclass(frozen=True)
class SliceRow:
    """A part of the rows, compared with all others."""

    column: str
    value: str
    n: int
    score: Interval
    rest: float | None
    p: float | None
    differs: bool


@dataclass(frozen=True)
class Slices:
    """The parts of the rows, the worst first."""

    metric: str
    rows: Sequence[SliceRow]
    n_compared: int
    notes: Sequence[str] = ()


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
        return any(piece.sorts for row in self.rows for text in row.texts for piece in text)


@dataclass(frozen=True)
class Page:
    """Everything that the page shows; what a run does not have is None or empty, and `missing` says why."""

    title: str
    facts: Sequence[tuple[str, str]]
    command: str
    verdict: Verdict
    split: str = ""
    metric: str = ""
    n_rows: int = 0
    standings: Sequence[Standing] = ()
    metrics: Mapping[str, Mapping[str, Interval]] = field(default_factory=dict)
    """By split and name."""
    notes: Sequence[str] = ()
    findings: Sequence[Finding] = ()
    curves: Sequence[Figure] = ()
    curve_notes: Sequence[str] = ()
    confusion: Confusion | None = None
    per_class: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    confidence: Sequence[Figure] = ()
    confidence_note: str = ""
    scatter: Figure | None = None
    slices: Slices | None = None
    errors: Errors | None = None
    issues: Errors | None = None
    row_notes: Sequence[str] = ()
    """What is missing about single rows."""
    cost: Sequence[tuple[str, str, str]] = ()
    """Name, value, and a note."""
    chosen: Sequence[Setting] = ()
    """Settings that followed from model and data."""
    settings: Sequence[Setting] = ()
    versions: Sequence[tuple[str, str]] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    """Why a part is not there, by its name."""


def render(page: Page) -> str:
    """Returns the page as HTML."""
    template = _environment().get_template("page.html")
    text: str = template.render(page=page, matrix=(SPLIT_MATRIX, SHORT_NAMES), bar=bar)
    return text


@cache
def _environment() -> Environment:
    """Returns where templates are found; each is compiled once a process."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number,
        "signed": signed,
        "label": label,
        "name": name,
        "line": line,
        "place": place,
        "share": share,
    }
    return environment


def number(value: float) -> str:
    """Returns a value with the digits that a reader needs: 0.853, 12.4, 1,234."""
    size = abs(value)
    if math.isnan(value):  # it could not be measured
        return "-"
    if size and size < 0.001:
        return f"{value:.1e}"
    return f"{value:.3f}" if size < 10 else f"{value:,.1f}" if size < 1000 else f"{value:,.0f}"


def signed(value: float) -> str:
    """Returns a difference with its sign and digits as `number`."""
    return f"+{number(value)}" if value > 0 else number(value).replace("-", "\u2212", 1)


def share(value: float) -> str:
    """Returns a share in percent."""
    return f"{100 * value:.0f} %" if value >= 0.1 else f"{100 * value:.1f} %"


def label(text: object) -> str:
    """Returns a name from the data, cut if it is long."""
    return shown(str(text), LABEL)


def place(text: object) -> Markup:
    """Returns a message like `line`, which may break after each slash."""
    return Markup("/<wbr>").join(line(text).split("/"))


def name(text: object) -> str:
    """Returns a label or an answer, cut if it is long."""
    return shown(str(text), MOST_ANSWER)


def line(text: object) -> str:
    """Returns a message on one line, cut if it is very long."""
    return shown(str(text), MOST_TEXT)


def bar(interval: Interval, ends: tuple[float, float]) -> str:
    """Returns the style of an interval's bar: where it begins and ends and where its value is, in percent.

    Args:
        interval: the value with its interval.
        ends: of the axis.
    """
    width = ends[1] - ends[0] or 1.0
    low, value, high = (100 * (v - ends[0]) / width for v in (interval.low, interval.value, interval.high))
    return f"--low:{low:.2f}%;--value:{value:.2f}%;--high:{100 - high:.2f}%"
