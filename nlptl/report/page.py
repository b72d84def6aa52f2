"""The page that shows a run: one HTML file without scripts, which asks for nothing from elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nlptl.core.records import Finding, Interval
from nlptl.report.parts import Errors, Figure, Setting, Verdict
from nlptl.report.rendering import rendered
from nlptl.report.searching import Search

SPLIT_MATRIX, SHORT_NAMES = 25, 6
"""Most classes of a confusion matrix, and most whose columns have names in place of numbers."""


@dataclass(frozen=True)
class Standing:
    """The run or a baseline, by the primary metric."""

    name: str
    value: Interval
    gain: Interval | None = None
    """The run's value minus the baseline's; None for the run itself."""


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
    search: Search | None = None
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
    return rendered("run.html", page=page, matrix=(SPLIT_MATRIX, SHORT_NAMES))
