"""Runs several cells of a study at once, each in a process with its share of the machine."""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import copy_context
from pathlib import Path
from typing import NamedTuple

from nlptl.core import registry
from nlptl.core.errors import InputError
from nlptl.core.recipe import Recipe
from nlptl.core.records import SPLITS
from nlptl.runs.folder import RESULT, Folder
from nlptl.runs.other_process import OtherProcess, end_with_parent
from nlptl.studies import cells
from nlptl.studies.plan import Cell

ENDED = "its process ended, perhaps for want of memory: fewer at once need less"
THREADS = "OMP_NUM_THREADS"


class Ended(NamedTuple):
    """A cell whose run has ended in any way."""

    cell: Cell
    error: str | None
    """Why it failed; None if it succeeded or was stopped, which its folder says."""


def run(missing: Sequence[Cell], folder: Path, n: int, begins: Callable[[Cell], None]) -> Iterator[Ended]:
    """Runs cells in processes of their own; yields each when its run has ended, no more once one was stopped.

    The processes share the cores, and have a GPU each if there are several.

    Args:
        missing: to run.
        folder: of the study.
        n: how many at once.
        begins: is told of each.

    Raises:
        InputError: the data is in memory, where other processes cannot read it.
    """
    _refuse_data_in_memory(missing)
    team = _Team(missing, folder, begins)
    workers = [OtherProcess(("-m", "nlptl.studies.at_once"), None, _share(i, n), errors=None) for i in range(n)]
    # A thread has a context of its own, and would not know how much is to be printed.
    threads = [threading.Thread(target=copy_context().run, args=(team.feed, worker)) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        yield from team.ended(workers)
    finally:
        team.stop(workers)
        for thread in threads:
            thread.join()


class _Team:
    """What the threads share that feed the processes.

    Args:
        missing: to run.
        folder: of the study.
        begins: is told of each.
    """

    def __init__(self, missing: Sequence[Cell], folder: Path, begins: Callable[[Cell], None]) -> None:
        self.folder, self.begins = folder, begins
        self._waiting, self._ended = deque(missing), queue.Queue[Ended | None]()
        self._first, self._stopping = missing[0], False

    def feed(self, worker: OtherProcess) -> None:
        """Gives a process one cell after the other, until none is left or one was stopped."""
        try:
            while self._waiting:
                try:
                    cell = self._waiting.popleft()
                except IndexError:  # another thread took the last one
                    break
                self.begins(cell)
                # The others have the same data, and would warn of the same.
                request = _request(cell, self.folder, warnings=cell is self._first)
                if not self._stopping:
                    self._hear(cell, worker.ask(request))
            worker.end()
        finally:
            self._ended.put(None)

    def _hear(self, cell: Cell, line: str | None) -> None:
        if line is None:
            self._ended.put(Ended(cell, None if self._stopping else ENDED))
            return
        reply = json.loads(line)
        self._ended.put(Ended(cell, reply["error"]))
        if reply["stopped"]:
            self._waiting.clear()

    def ended(self, workers: Sequence[OtherProcess]) -> Iterator[Ended]:
        """Yields each cell whose run has ended, until all threads have."""
        working = len(workers)
        while working:
            try:
                one = self._ended.get()
            except KeyboardInterrupt as error:  # the runs keep a checkpoint each, and say that they were stopped
                self.stop(workers, getattr(error, "signal", signal.SIGINT))
                continue
            if one is None:
                working -= 1
            else:
                yield one

    def stop(self, workers: Sequence[OtherProcess], number: int = signal.SIGTERM) -> None:
        """Begins nothing more, and stops what runs, by a signal."""
        self._stopping = True
        self._waiting.clear()
        for worker in workers:
            worker.interrupt(number)


def _request(cell: Cell, folder: Path, *, warnings: bool) -> str:
    plain = cell.recipe.to_dict()
    train, wanted = cell.recipe.train, cell.recipe.eval
    named = [str(plain[part]["name"]) for part in registry.SETTINGS]
    named += [*(train.callbacks or ()), *(train.trackers or ()), *(wanted.metrics or ())]
    own = registry.importable(named)
    request = {"recipe": plain, "folder": folder / cell.name, "own": own, "warnings": warnings}
    return json.dumps(request, default=str)  # paths


def _refuse_data_in_memory(missing: Sequence[Cell]) -> None:
    for split in SPLITS:
        source = getattr(missing[0].recipe.data, split)
        if source is not None and not isinstance(source, str | Path):
            raise InputError(
                f"data.{split} is a {type(source).__name__} in memory, which other processes cannot read: give a file, "
                "or run one at a time (n_jobs 1)"
            )


def _share(i: int, n: int) -> dict[str, str]:
    """Returns the variables by which process i of n computes on its share of the machine."""
    import torch

    n_gpus = torch.cuda.device_count()
    if n_gpus > 1:
        given = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        return {"CUDA_VISIBLE_DEVICES": (given.split(",") if given else [str(k) for k in range(n_gpus)])[i % n_gpus]}
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {THREADS: os.environ.get(THREADS, str(max(1, n_cores // n)))}


def work() -> None:
    """Runs in each process: one cell a line, until its input ends or it is stopped."""
    end_with_parent()
    replies, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no reply
    with cells.quick():
        for line in sys.stdin:
            reply = _worked(**json.loads(line))
            print(json.dumps(reply), file=replies, flush=True)
            if reply["stopped"]:
                return


def _worked(recipe: Mapping[str, object], folder: str, own: Sequence[str], *, warnings: bool) -> dict[str, object]:
    for module in own:
        registry.import_module(module)
    place = Folder(Path(folder))
    try:
        error = cells.run(Recipe.from_dict(recipe), place.path, warnings=warnings)
    except KeyboardInterrupt:
        return {"error": None, "stopped": True}
    stopped = (place.path / RESULT).exists() and place.result().status == "interrupted"
    return {"error": error, "stopped": stopped}


if __name__ == "__main__":
    work()
