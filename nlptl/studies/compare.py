"""Compares finished runs on the rows that they all predicted."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from nlptl import evaluation
from nlptl.core import files
from nlptl.core.checks import within
from nlptl.core.comparison import Compared, Comparison, Pair, Reference, Split
from nlptl.core.config import MAX_BOOTSTRAP
from nlptl.core.errors import InputError, nearest
from nlptl.core.finite import to_json
from nlptl.runs.folder import REPORT, RESULT
from nlptl.runs.rows import Framed, Row, Rows
from nlptl.studies import showing
from nlptl.studies.alike import check_alike
from nlptl.studies.finished import primary_split, read
from nlptl.studies.measuring import ROW, Comparing
from nlptl.studies.places import COMPARISON, DIFFERENCES, STUDY

if TYPE_CHECKING:
    from nlptl.runs.run import Run


@dataclass(frozen=True)
class RunsCompared(Framed[Compared]):
    """Finished runs, compared on the same rows."""

    record: Comparison
    """The content of comparison.json."""
    differences: Rows[Row]
    """The rows to which two runs give different answers: row_id, label, and each run's answer by its name."""

    @property
    def rows(self) -> Rows[Compared]:
        """The runs, in the given order, with their scores and costs."""
        return Rows(self.record.runs)

    @property
    def pairs(self) -> Rows[Pair]:
        """Every pair of runs: the difference, its interval and p-values."""
        return Rows(self.record.pairs)

    def write(self, folder: str | Path, *, overwrite: bool = False) -> None:
        """Writes comparison.json, differences.csv and report.html.

        Args:
            folder: made if missing.
            overwrite: whether files of these names are replaced.

        Raises:
            InputError: a file exists already, or the folder is none.
        """
        place = writable(folder, overwrite=overwrite)
        self.record.write(place / COMPARISON)
        files.write_text(place / DIFFERENCES, _csv(self.differences, self.record))
        showing.compared(place)

    def __repr__(self) -> str:
        """Returns the scores in a line."""
        scores = ", ".join(f"{run.run} {run.score.value:.4f}" for run in self.record.runs)
        return f"RunsCompared({self.record.split} {self.record.metric}: {scores})"


def compare(
    runs: Sequence[str | Path | Run],
    *,
    split: Split | None = None,
    metric: str | None = None,
    reference: Reference = "first",
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> RunsCompared:
    """Compares finished runs of one task on the same rows; reads their files, but loads no model.

    Every pair gets the difference of the metric with its 95 % interval (paired bootstrap), the p-value of a permutation
    test, and, if a row has one label, that of McNemar's exact test, both also corrected for the number of pairs (Holm).

    Args:
        runs: folders of two or more runs.
        split: the rows on which they are compared; default: "test", "validation" if the runs have no test rows.
        metric: what is compared; default: the primary metric of the runs.
        reference: the run that the others are compared with: the "first", or the "best" by the metric.
        n_bootstrap: bootstrap resamples for each interval, at most 100,000.
        seed: of resamples and permutations.

    Raises:
        InputError: there are fewer than two runs, one is not finished or damaged, or they differ in task, labels, rows
            or metric.
    """
    _check("reference", reference, get_args(Reference))
    within("n_bootstrap", n_bootstrap, 100, MAX_BOOTSTRAP)
    folders = _folders(runs)
    split = split or primary_split(folders[0])
    _check("split", split, get_args(Split))
    found = [read(path, split) for path in folders]
    check_alike(found, split, same_metric=metric is None)
    primary = found[0].result.primary
    name = metric or (primary.name if primary else found[0].recipe.task.metric)
    evaluation.check(found[0].recipe.task.output, found[0].labels, found[0].recipe.task.metric, [name])
    comparing = Comparing(found, name, n_bootstrap, seed)
    return RunsCompared(comparing.record(split, reference), comparing.differences())


def writable(folder: str | Path, *, overwrite: bool) -> Path:
    """Returns a folder in which the files of a comparison may be written.

    Raises:
        InputError: one exists already and may not be replaced, or `folder` is a file.
    """
    place = Path(folder)
    if place.exists() and not place.is_dir():
        raise InputError(f"output {str(folder)!r} is a file, expected a folder")
    other = next((name for name in (RESULT, STUDY) if (place / name).exists()), None)
    if other is not None:
        what = "a run" if other == RESULT else "a study"
        raise InputError(
            f"output {str(folder)!r} holds {what}, which has a report.html of its own: choose another folder"
        )
    there = [name for name in (COMPARISON, DIFFERENCES, REPORT) if (place / name).exists()]
    if there and not overwrite:
        raise InputError(f"output {str(folder)!r} holds {' and '.join(there)}: nothing is replaced without --overwrite")
    return place


def _check(name: str, value: object, known: Sequence[str]) -> None:
    if value not in known:
        raise InputError(f"{name} must be {' or '.join(known)}, found {value!r}{nearest(str(value), known)}")


def _folders(runs: Sequence[str | Path | Run]) -> list[Path]:
    if isinstance(runs, str | Path):
        raise InputError(f"expected a list of runs, found {str(runs)!r}: write compare([{str(runs)!r}, ...])")
    folders = [Path(run) if isinstance(run, str | Path) else run.folder for run in runs]
    if len(folders) < 2:
        raise InputError(f"a comparison needs at least two runs, found {len(folders)}: nlptl compare RUN RUN")
    places = [folder.resolve() for folder in folders]
    again = next((folder for i, folder in enumerate(folders) if places[i] in places[:i]), None)
    if again is not None:
        raise InputError(f"the run {str(again)!r} is given twice")
    return folders


def _csv(rows: Sequence[Row], record: Comparison) -> str:
    buffer, columns = io.StringIO(), [*ROW, *(run.run for run in record.runs)]
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row[column]) for column in columns] for row in rows)
    return buffer.getvalue().encode("utf-8", "backslashreplace").decode()  # UTF-8 cannot hold lone surrogates


def _cell(value: object) -> str:
    return value if isinstance(value, str) else to_json(value)
