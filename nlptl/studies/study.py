"""Runs the cells of a plan, each a run in a folder of its own; goes on where it was stopped."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from nlptl import data, evaluation
from nlptl.core import files
from nlptl.core.errors import InputError
from nlptl.core.result import Result
from nlptl.core.study import FORMAT, CellDone, Status, StudyRecord
from nlptl.report import console
from nlptl.runs.folder import LOCK, RECIPE, RESULT, Folder
from nlptl.runs.rows import Framed, Rows
from nlptl.studies import at_once, cells, showing
from nlptl.studies.plan import Cell, Plan, split_seed
from nlptl.studies.summary import groups, growth

RECORD = "study.json"
ADVICE = "take an undamaged copy of it, or begin in another folder; the runs here are whole"


class Study(Framed[CellDone]):
    """A study and its folder.

    Args:
        folder: of the study; each run is a folder in it.
        record: the content of study.json.
    """

    def __init__(self, folder: Path, record: StudyRecord) -> None:
        self.folder, self.record = folder, record

    @property
    def rows(self) -> Rows[CellDone]:
        """The runs; `record.groups` has their means over seeds, and `record.growth` the learning curves."""
        return Rows(self.record.cells)

    @property
    def is_finished(self) -> bool:
        """Whether every run succeeded or failed."""
        return all(cell.status in ("succeeded", "failed") for cell in self.record.cells)

    def __repr__(self) -> str:
        """Returns the folder and how far the study is."""
        done = sum(cell.status == "succeeded" for cell in self.record.cells)
        return f"Study({str(self.folder)!r}, {done} of {len(self.record.cells)} runs)"


def study(plan: Plan, output: str | Path, *, n_jobs: int = 1) -> Study:
    """Runs what is missing of a study in a folder, and returns all of it.

    Args:
        plan: what is run.
        output: the study's folder, new or one in which this plan was begun.
        n_jobs: how many runs at once, each in a process of its own; they share the cores, or the GPUs.

    Raises:
        InputError: the folder holds something else, or the data cannot be read; nothing was trained.
    """
    if n_jobs < 1:
        raise InputError(f"n_jobs must be at least 1, found {n_jobs}")
    folder = Path(output)
    with cells.quick():
        hashes = _hashes(plan)
        before = _check_folder(plan, folder, hashes)
        with Folder(folder).held():
            running = _Running(plan, folder, hashes, before)
            running.write()
            with showing.reported(folder, running.write):
                running.go_on(n_jobs)
            return Study(folder, running.record())


def _hashes(plan: Plan) -> dict[str, str]:
    """Returns the hash of each split's rows; what cannot be read is said before anything is trained."""
    config = dataclasses.replace(plan.recipe.data, split_seed=split_seed(plan), n_train=None, per_class=None)
    task, keep = plan.recipe.task, plan.recipe.eval.slices or ()
    corpus = data.load(config, task.columns, sample=task.sample, seed=split_seed(plan), keep=keep)
    return {split: data.fingerprint(rows) for split, rows in corpus.splits.items()}


def _check_folder(plan: Plan, folder: Path, hashes: dict[str, str]) -> dict[str, CellDone]:
    """Returns the cells that an earlier process failed to run, by name.

    Raises:
        InputError: the folder holds no study, another one, or the data has changed.
    """
    path = folder / RECORD
    if not path.exists():
        found = {p.name for p in folder.iterdir()} if folder.is_dir() else set()
        if found - {LOCK} or (folder.exists() and not folder.is_dir()):
            raise InputError(f"output {str(folder)!r} holds something else than a study: choose another folder")
        return {}
    values = files.read_object(path, ADVICE)
    files.check_format(path, values.get("format"), FORMAT)
    stored, now = values.get("plan"), plan.to_dict()
    if not isinstance(stored, dict) or not isinstance(values.get("cells"), list):
        raise files.damaged(path, "it has no plan or no cells", ADVICE)
    changed = sorted(name for name in {*stored, *now} if stored.get(name) != now.get(name))
    if changed:
        other = f"a study with another plan, its {' and '.join(changed)} differ"
        raise InputError(f"output {str(folder)!r} holds {other}: choose another folder")
    if values.get("data") != hashes:
        raise InputError(f"the data has changed since the study in {str(folder)!r} began: choose another folder")
    return _failed(path, values["cells"])


def _failed(path: Path, cells: object) -> dict[str, CellDone]:
    try:
        done = [CellDone(**cell) for cell in cells if cell["status"] == "failed"]  # type: ignore[attr-defined]
    except (TypeError, KeyError) as error:
        raise files.damaged(path, error, ADVICE) from error
    return {cell.name: cell for cell in done}


class _Running:
    """A study while it runs.

    Args:
        plan: of the study.
        folder: of the study.
        hashes: of its data, by split.
        failed: cells that failed in an earlier process, which are not run again.
    """

    def __init__(self, plan: Plan, folder: Path, hashes: dict[str, str], failed: dict[str, CellDone]) -> None:
        self.plan, self.folder, self.hashes, self.ended = plan, folder, hashes, failed
        self.cells = list(plan.cells())
        self.metric = plan.recipe.eval.metric or plan.recipe.task.metric
        self.greater_is_better = evaluation.greater_is_better(self.metric)

    def go_on(self, n_jobs: int) -> None:
        """Runs the cells that are neither finished nor failed; keeps the reasons of those that fail."""
        missing = [cell for cell in self.cells if self._state(cell).status in ("missing", "interrupted")]
        if n_jobs > 1 and len(missing) > 1:
            for ended in at_once.run(missing, self.folder, min(n_jobs, len(missing)), self._begins):
                self._note(ended.cell, ended.error)
            return
        for cell in missing:
            self._begins(cell)
            # The others have the same data, and would warn of the same.
            error = cells.run(cell.recipe, self.folder / cell.name, warnings=cell is missing[0])
            if self._note(cell, error).status == "interrupted":
                return

    def _begins(self, cell: Cell) -> None:
        console.cell(self.cells.index(cell) + 1, len(self.cells), cell.name)

    def _note(self, cell: Cell, error: str | None) -> CellDone:
        """Writes down how a cell's run ended."""
        if error is not None:
            self.ended[cell.name] = self._done(cell, "failed", reason=error)
        self.write()
        done = self._state(cell)
        console.cell_done(done, self.metric)
        return done

    def write(self) -> None:
        """Writes study.json."""
        self.record().write(self.folder / RECORD)

    def record(self) -> StudyRecord:
        """Returns what is known now."""
        done = tuple(self._state(cell) for cell in self.cells)
        return StudyRecord(
            plan=self.plan.to_dict(),
            data=self.hashes,
            task=str(self.plan.recipe.to_dict()["task"]["name"]),
            split="test" if "test" in self.hashes else "validation",
            metric=self.metric,
            greater_is_better=self.greater_is_better,
            cells=done,
            groups=groups(done, greater_is_better=self.greater_is_better),
            growth=growth(done, greater_is_better=self.greater_is_better),
        )

    def _state(self, cell: Cell) -> CellDone:
        place = Folder(self.folder / cell.name)
        if cell.name in self.ended:
            return self.ended[cell.name]
        if not (place.path / RESULT).exists():
            return self._done(cell, "interrupted" if (place.path / RECIPE).exists() else "missing")
        result = place.result()
        if result.status != "succeeded":
            stopped_by = result.training.stopped_by if result.training else None
            status: Status = "failed" if result.status == "failed" else "interrupted"
            return self._done(cell, status, reason=result.error or stopped_by)
        self.ended[cell.name] = _measured(self._done(cell, "succeeded"), result)
        return self.ended[cell.name]

    def _done(self, cell: Cell, status: Status, reason: str | None = None) -> CellDone:
        return CellDone(
            cell.name,
            cell.method,
            cell.model,
            cell.label_count,
            cell.seed,
            status,
            reason,
        )


def _measured(cell: CellDone, result: Result) -> CellDone:
    primary = result.primary
    return dataclasses.replace(
        cell,
        score=result.metrics[primary.split][primary.name] if primary else None,
        trained=result.parameters.trainable if result.parameters else None,
        train_s=result.timing.train_s,
        peak_mib=result.memory.peak_mib,
        artifact_bytes=result.artifact_bytes,
    )
