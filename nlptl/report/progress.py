"""How far training is: a bar on a terminal and in a notebook, elsewhere a line an epoch."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column

from nlptl.core.callbacks import Callback, Facts
from nlptl.report import notebook
from nlptl.report.voice import is_quiet, is_verbose, say

Line = dict[str, Any]
BAR_WIDTH = 16  # so that all of it fits into 80 characters


@dataclass(frozen=True)
class Plan:
    """What is going to be done."""

    n_updates: int
    n_epochs: int
    metric: str
    """The one of validation that is shown."""

    @property
    def per_epoch(self) -> int:
        """Updates of an epoch."""
        return self.n_updates // self.n_epochs


class Show(Protocol):
    """Is told what training does."""

    def update(self, update: int, loss: float, n: int) -> None:
        """Takes an update, counted from 1, its loss and its number of examples."""

    def log(self, line: Line) -> None:
        """Takes a line of metrics.jsonl; one with "validation" ends an evaluation."""


@contextmanager
def progress(plan: Plan, *, shown: bool) -> Iterator[Sequence[Callback]]:
    """Gives the callbacks that show how far training is; none if nothing is to be shown.

    Args:
        plan: of the whole run.
        shown: whether this process may print.
    """
    console = Console()
    if not shown or is_quiet():
        yield ()
    elif console.is_terminal and not is_verbose():
        with _bar(plan, console) as bar:
            yield (_Told(bar),)
    elif console.is_jupyter and not is_verbose():
        yield (_Told(notebook.Bar(plan.n_updates, plan.metric)),)
    else:
        lines = Lines(plan)
        yield (_Told(lines),)
        lines.close()


class _Told(Callback):
    """Tells what shows progress of updates and evaluations."""

    def __init__(self, show: Show) -> None:
        self.show, self.n_before = show, 0

    def on_begin(self, facts: Facts) -> None:
        """Counts from here: what a resumed run did before is not this process's work."""
        self.n_before = facts.n_examples

    def on_update(self, facts: Facts) -> None:
        """Tells of an update."""
        self.show.update(
            facts.update, float("nan") if facts.loss is None else facts.loss, facts.n_examples - self.n_before
        )
        self.n_before = facts.n_examples

    def on_evaluate(self, facts: Facts) -> None:
        """Tells of an evaluation."""
        self.show.log({"update": facts.update, "validation": dict(facts.metrics)})


class _Bar:
    def __init__(self, bar: Progress, plan: Plan) -> None:
        self.bar, self.plan, self.score = bar, plan, ""
        self.first, self.n_done, self.began = 0, 0, time.monotonic()
        self.task = bar.add_task("train", total=plan.n_updates, said="")

    def update(self, update: int, loss: float, n: int) -> None:
        """Moves the bar."""
        self.first = self.first or update
        self.n_done += n
        took = max(time.monotonic() - self.began, 1e-9)
        left = took / (update - self.first + 1) * (self.plan.n_updates - update)
        said = f"loss {loss:.4f}{self.score}, {self.n_done / took:,.0f} examples/s, {_time(left)} left"
        self.bar.update(self.task, completed=update, said=said)

    def log(self, line: Line) -> None:
        """Keeps the metric of an evaluation, to be shown from then on."""
        if "validation" in line:
            self.score = f", {_score(line, self.plan.metric)}"


class Lines:
    """Prints a line after each epoch, if verbose after each evaluation.

    Args:
        plan: of the whole run.
        clock: gives seconds.
    """

    def __init__(self, plan: Plan, clock: Callable[[], float] = time.monotonic) -> None:
        self.plan, self.clock = plan, clock
        self.began = self.since = clock()
        self.first = 0
        """The first update of this process: a resumed run begins late."""
        self.epoch_told = 0
        self.update_done, self.n, self.sum, self.last = 0, 0, 0.0, self.began

    def update(self, update: int, loss: float, n: int) -> None:
        """Counts an update; the last of an epoch tells it, if no evaluation does."""
        if not self.first:
            self.first, self.epoch_told = update, (update - 1) // self.plan.per_epoch
        elif self.update_done // self.plan.per_epoch > self.epoch_told:
            self._tell("")  # no evaluation came after the update before
        self.update_done, self.last = update, self.clock()
        self.n, self.sum = self.n + n, self.sum + loss * n

    def log(self, line: Line) -> None:
        """Tells an epoch's evaluation."""
        if "validation" in line and self.first:
            ends = line["update"] // self.plan.per_epoch > self.epoch_told or line["update"] == self.plan.n_updates
            if ends or is_verbose():
                self._tell(f", validation {_score(line, self.plan.metric)}")
            if is_verbose():
                say("scores", ", ".join(f"{name} {value:.4f}" for name, value in line["validation"].items()))

    def close(self) -> None:
        """Tells the last epoch, if no evaluation did."""
        if self.n and self.update_done // self.plan.per_epoch > self.epoch_told:
            self._tell("")

    def _tell(self, score: str) -> None:
        done, now = self.update_done, self.clock()
        rate = self.n / max(self.last - self.since, 1e-9)
        left = (now - self.began) / (done - self.first + 1) * (self.plan.n_updates - done)
        epoch, loss = f"{done / self.plan.per_epoch:.4g} of {self.plan.n_epochs}", self.sum / max(self.n, 1)
        more = f", {_time(left)} left" if left else ""
        say("epoch", f"{epoch}: loss {loss:.4f}{score}, {rate:,.0f} examples/s{more}")
        self.epoch_told = done // self.plan.per_epoch
        self.since, self.n, self.sum = now, 0, 0.0


@contextmanager
def _bar(plan: Plan, console: Console) -> Iterator[_Bar]:
    # Cropped, not cut: the mark that rich cuts with is not in every terminal's alphabet.
    numbers, said = (Column(no_wrap=True, overflow="crop") for _ in range(2))
    columns = (
        BarColumn(bar_width=BAR_WIDTH),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f}", table_column=numbers),
        TextColumn("{task.fields[said]}", table_column=said),
    )
    with Progress(*columns, console=console) as bar:
        yield _Bar(bar, plan)


def _score(line: Line, metric: str) -> str:
    return f"{metric} {line['validation'][metric]:.4f}"


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
