"""A comparison of finished runs on the same rows, as records: the content of comparison.json."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nlptl.core import files, typed
from nlptl.core.records import Interval

FORMAT = 1
"""Format number of comparison.json."""
ADVICE = "restore it, or compare the runs again"
"""What to do if comparison.json is damaged."""
Split = Literal["test", "validation"]
"""Splits for which a run keeps its predictions."""
Reference = Literal["first", "best"]
"""The run that the others are compared with: the first that is named, or the best by the metric."""


@dataclass(frozen=True)
class Compared:
    """One of the runs. What it has not measured is None."""

    run: str
    """Its name: the folder's, with folders above it if two have the same name."""
    folder: str
    method: str
    model: str | None
    seed: int
    score: Interval
    difference: Interval | None
    """Its score minus that of the reference; None for the reference itself."""
    train_s: float | None
    peak_mib: float | None
    trained: int | None
    """Number of trained parameters."""
    artifact_bytes: int


@dataclass(frozen=True)
class Pair:
    """Two of the runs."""

    first: str
    second: str
    difference: Interval
    """The first run's score minus the second's."""
    p: float
    """Two-sided p-value of the permutation test."""
    p_holm: float
    """The same, corrected for the number of pairs (Holm 1979)."""
    n_differ: int
    """Number of rows with different answers."""
    row_ids: tuple[int, ...]
    """The ids of these rows."""
    mcnemar: float | None = None
    """p-value of McNemar's exact test; None if answers are not single labels."""
    mcnemar_holm: float | None = None
    only_first: int | None = None
    """Number of rows that only the first run answers correctly; None as for `mcnemar`."""
    only_second: int | None = None


@dataclass(frozen=True)
class Comparison:
    """Runs of one task, compared on the rows of one split."""

    task: str
    split: str
    metric: str
    greater_is_better: bool
    n_rows: int
    n_bootstrap: int
    n_permutations: int
    seed: int
    """Of resamples and permutations."""
    reference: str
    """Name of the run that the others are compared with."""
    runs: tuple[Compared, ...]
    pairs: tuple[Pair, ...]
    format: int = FORMAT

    def to_dict(self) -> dict[str, object]:
        """Returns the content of comparison.json."""
        return dataclasses.asdict(self)

    def write(self, path: Path) -> None:
        """Writes comparison.json.

        Raises:
            OSError: it cannot be written.
        """
        files.write_json(path, self.to_dict())

    @staticmethod
    def read(path: Path) -> Comparison:
        """Returns the content of comparison.json; intervals without ends have NaN.

        Raises:
            InputError: it is damaged, or a newer nlptl wrote it.
        """
        return typed.from_file(Comparison, path, FORMAT, ADVICE)
