"""The page that shows a study."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nlptl.core.records import Interval
from nlptl.core.study import StudyRecord
from nlptl.report.parts import Figure, Key, Setting, Verdict
from nlptl.report.rendering import rendered


@dataclass(frozen=True)
class GroupRow:
    """The runs that differ in the seed alone."""

    place: int
    """Of its method and model among all: colour and marker."""
    names: Sequence[str]
    """What tells it from the others: method, model, number of labels."""
    score: Interval | None
    has_interval: bool
    seeds: str
    costs: Sequence[tuple[str, bool]]
    """Each with its unit, and whether it is on the Pareto front."""


@dataclass(frozen=True)
class Promise:
    """What more labels would bring, by the fitted law."""

    place: int
    name: str
    law: str
    """Empty if none could be fitted."""
    doubled: Interval | None
    has_interval: bool
    counts: str
    """Such as "256 in place of 128"."""
    reason: str = ""
    """Why no law could be fitted."""


@dataclass(frozen=True)
class StudyPage:
    """Everything that the page shows; `missing` says why a part is not there."""

    title: str
    facts: Sequence[tuple[str, str]]
    command: str
    verdict: Verdict
    record: StudyRecord
    headings: Sequence[str]
    """Of what names a group."""
    groups: Sequence[GroupRow]
    keys: Sequence[Key] = ()
    curves: Sequence[Figure] = ()
    promises: Sequence[Promise] = ()
    fronts: Sequence[Figure] = ()
    front_note: str = ""
    settings: Sequence[Setting] = ()
    """Those that are not the defaults."""
    missing: Mapping[str, str] = field(default_factory=dict)


def render(page: StudyPage) -> str:
    """Returns the page as HTML."""
    return rendered("study.html", page=page)
