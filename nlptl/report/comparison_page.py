"""The page that shows a comparison of runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nlptl.core.comparison import Comparison
from nlptl.report.comparing import LEVEL
from nlptl.report.parts import Figure, Texts, Verdict
from nlptl.report.rendering import rendered


@dataclass(frozen=True)
class Said:
    """An answer and who gave it."""

    answer: str
    runs: Sequence[str]
    is_right: bool | None
    """None if answers are not single labels."""


@dataclass(frozen=True)
class Differing:
    """A row to which two runs give different answers."""

    row_id: int
    label: str
    said: Sequence[Said]
    texts: Texts = ()


@dataclass(frozen=True)
class ComparisonPage:
    """Everything that the page shows; `missing` says why a part is not there."""

    title: str
    facts: Sequence[tuple[str, str]]
    command: str
    verdict: Verdict
    record: Comparison
    figures: Sequence[Figure]
    rows: Sequence[Differing] = ()
    """The first of those that differ."""
    n_differ: int = 0
    """Number of rows to which two runs give different answers."""
    row_notes: Sequence[str] = ()
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def exact(self) -> bool:
        """Whether every pair has McNemar's test."""
        return all(pair.mcnemar_holm is not None for pair in self.record.pairs)


def render(page: ComparisonPage) -> str:
    """Returns the page as HTML."""
    return rendered("comparison.html", page=page, level=LEVEL)
