"""What a page shows of a search: trials, how much each field mattered, and the settings side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

from nlptl.report.parts import Figure


@dataclass(frozen=True)
class TrialRow:
    """A trial."""

    tried: Sequence[str]
    """One for each of `Search.headings`."""
    which: str
    """Such as "first round"; empty if there is one round."""
    part: int
    """Which rows were held out, from 1."""
    updates: int
    """0 if the head was solved for."""
    value: float
    """Of the metric; NaN if training diverged."""
    seconds: float
    chosen: bool


@dataclass(frozen=True)
class Search:
    """The trials of a run."""

    headings: Sequence[str]
    """Of what was tried: the fields, or "tried"."""
    metric: str
    rows: Sequence[TrialRow]
    """In the order in which they were run."""
    importance: Sequence[tuple[str, float]] = ()
    """Fields with their shares of the variance, the largest first."""
    importance_note: str = ""
    """Why the importance is not known; empty if it is, or if no fields were searched."""
    figure: Figure | None = None

    @property
    def rounds(self) -> bool:
        """Whether trials are told apart by rounds."""
        return any(row.which for row in self.rows)

    @property
    def parts(self) -> bool:
        """Whether trials were judged on different rows."""
        return any(row.part > 1 for row in self.rows)
