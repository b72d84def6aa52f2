"""Runs the cells of a plan one after the other, each a run in a folder of its own; goes on where it was stopped."""

from __future__ import annotations

import dataclasses
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nlptl import data, evaluation
from nlptl.core import files
from nlptl.core.errors import InputError
from nlptl.core.recipe import Recipe
from nlptl.core.records import Corpus
from nlptl.core.result import Result
from nlptl.core.study import FORMAT, CellDone, Status, StudyRecord
from nlptl.report import console
from nlptl.runs.folder import LOCK, RECIPE, RESULT, Folder
from nlptl.runs.rows import Framed, Rows
from nlptl.studies import showing
from nlptl.studies.plan import Cell, Plan, split_seed
from nlptl.studies.summary import groups, growth

RECORD = "study.json"
ADVICE = "delete it: the finished runs stay, and the study goes on with the others"


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


def study(plan: Plan, output: str | Path) -> Study:
    """Runs what is missing of a study in a folder, and returns all of it.

    Args:
        plan: what is run.
        output: the study's folder, new or one in which this plan was begun.

    Raises:
        InputError: the folder holds something else, or the data cannot be read; nothing was trained.
    """
    folder = Path(output)
    corpus = _corpus(plan)
    before = _check_folder(plan, folder, corpus)
    with Folder(folder).held():
        running = _Running(plan, folder, corpus, before)
        running.write()
        with showing.reported(folder, running.write), _one_process():
            running.go_on()
        return Study(folder, running.record())


def _corpus(plan: Plan) -> Corpus:
    """Returns the data with all training rows, so that what cannot be read is said before anything is trained."""
    config = dataclasses.replace(plan.recipe.data, split_seed=split_seed(plan), n_train=None, per_class=None)
    task = plan.recipe.task
    return data.load(config, task.columns, sample=task.sample, seed=split_seed(plan))


def _check_folder(plan: Plan, folder: Path, corpus: Corpus) -> dict[str, CellDone]:
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
    if values.get("data") != _hashes(corpus):
        raise InputError(f"the data has changed since the study in {str(folder)!r} began: choose another folder")
    return _failed(path, values["cells"])


def _failed(path: Path, cells: object) -> dict[str, CellDone]:
    try:
        done = [CellDone(**cell) for cell in cells if cell["status"] == "failed"]  # type: ignore[attr-defined]
    except (TypeError, KeyError) as error:
        raise files.damaged(path, error, ADVICE) from error
    return {cell.name: cell for cell in done}


def _hashes(corpus: Corpus) -> dict[str, str]:
    return {split: data.fingerprint(rows) for split, rows in corpus.splits.items()}


@contextmanager
def _one_process() -> Iterator[None]:
    from nlptl.runs import reload_check

    with reload_check.one_process():
        yield


class _Running:
    """A study while it runs.

    Args:
        plan: of the study.
        folder: of the study.
        corpus: its data.
        failed: cells that failed in an earlier process, which are not run again.
    """

    def __init__(self, plan: Plan, folder: Path, corpus: Corpus, failed: dict[str, CellDone]) -> None:
        self.plan, self.folder, self.corpus, self.ended = plan, folder, corpus, failed
        self.cells = list(plan.cells())
        self.metric = plan.recipe.eval.metric or plan.recipe.task.metric
        self.greater_is_better = evaluation.greater_is_better(self.metric)

    def go_on(self) -> None:
        """Runs the cells that are neither finished nor failed; keeps the reasons of those that fail."""
        is_first = True
        for number, cell in enumerate(self.cells, 1):
            done = self._state(cell)
            if done.status in ("missing", "interrupted"):
                console.cell(number, len(self.cells), cell.name)
                self._run(cell, is_first=is_first)
                is_first = False  # the others have the same data, and would warn of the same
                self.write()
                done = self._state(cell)
                console.cell_done(done, self.metric)
                if done.status == "interrupted":
                    return

    def write(self) -> None:
        """Writes study.json."""
        self.record().write(self.folder / RECORD)

    def record(self) -> StudyRecord:
        """Returns what is known now."""
        cells = tuple(self._state(cell) for cell in self.cells)
        return StudyRecord(
            plan=self.plan.to_dict(),
            data=_hashes(self.corpus),
            task=str(self.plan.recipe.to_dict()["task"]["name"]),
            split="test" if "test" in self.corpus.splits else "validation",
            metric=self.metric,
            greater_is_better=self.greater_is_better,
            cells=cells,
            groups=groups(cells, greater_is_better=self.greater_is_better),
            growth=growth(cells, greater_is_better=self.greater_is_better),
        )

    def _run(self, cell: Cell, *, is_first: bool) -> None:
        from nlptl.engine.interrupt import Interrupted, interruptible

        try:
            with interruptible() as came, console.hushed(warnings=is_first):
                _train(cell.recipe, self.folder / cell.name)
        except Exception as error:  # whatever ends a run, the study goes on with the next
            if came:
                raise Interrupted(came[0]) from error
            self.ended[cell.name] = self._done(cell, "failed", reason=str(error) or repr(error))
        finally:
            gc.collect()  # the next run's memory is its own

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


def _train(recipe: Recipe, folder: Path) -> None:
    from nlptl.runs import training

    if (folder / RECIPE).exists():
        training.resume(folder)
    else:
        training.train(recipe, folder)


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
