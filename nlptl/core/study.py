"""A study of many runs on one data set, as records: the content of study.json."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nlptl.core import files, typed
from nlptl.core.records import Interval

FORMAT = 1
"""Format number of study.json."""
ADVICE = "restore it, or run the same command with another folder"
"""What to do if study.json is damaged."""
COSTS = ("trained", "train_s", "peak_mib", "artifact_bytes")
"""What a score is weighed against."""
Status = Literal["missing", "interrupted", "failed", "succeeded"]


@dataclass(frozen=True)
class CellDone:
    """One run of a study. What it has not measured is None."""

    name: str
    """Of its folder in the study's folder."""
    method: str
    model: str
    label_count: int | None
    """Training rows of each class (rows in all if answers have no classes); None: all rows."""
    seed: int
    status: Status
    reason: str | None = None
    """Why it failed, or the signal that stopped it."""
    score: Interval | None = None
    trained: int | None = None
    """Number of trained parameters."""
    train_s: float | None = None
    peak_mib: float | None = None
    artifact_bytes: int | None = None


@dataclass(frozen=True)
class Group:
    """The runs that differ in the seed alone; costs are means."""

    method: str
    model: str
    label_count: int | None
    n_seeds: int
    """Number of finished runs."""
    n_failed: int
    score: Interval | None
    """The mean over seeds with its 95 % interval (Student's t, three seeds or more); with one seed, the run's own
    interval; with two seeds, its ends are NaN."""
    trained: float | None
    train_s: float | None
    peak_mib: float | None
    artifact_bytes: float | None
    front: tuple[str, ...] = ()
    """The costs for which no other group with as many labels has a score as good for less, or a better one for no more:
    the Pareto front."""


@dataclass(frozen=True)
class Growth:
    """How a method's score grows with the number of labels n: a - b n^-c (Hestness et al. 2017)."""

    method: str
    model: str
    a: float | None = None
    b: float | None = None
    c: float | None = None
    largest: int | None = None
    """The largest number of labels that was measured."""
    doubled: Interval | None = None
    """What twice as many labels would add to the score; the interval is a bootstrap over seeds."""
    reason: str | None = None
    """Why no law could be fitted."""


@dataclass(frozen=True)
class StudyRecord:
    """The content of study.json."""

    plan: dict[str, object]
    data: dict[str, str]
    """Hash of the rows of each split, with all training rows."""
    task: str
    split: str
    metric: str
    greater_is_better: bool
    cells: tuple[CellDone, ...]
    groups: tuple[Group, ...]
    growth: tuple[Growth, ...]
    format: int = FORMAT

    def write(self, path: Path) -> None:
        """Writes study.json.

        Raises:
            OSError: it cannot be written.
        """
        files.write_json(path, dataclasses.asdict(self))

    @staticmethod
    def read(path: Path) -> StudyRecord:
        """Returns the content of study.json; intervals without ends have NaN.

        Raises:
            InputError: it is damaged, or a newer nlptl wrote it.
        """
        return typed.from_file(StudyRecord, path, FORMAT, ADVICE)
