"""Shows the progress of training: a bar on a terminal and in a notebook, elsewhere a line an epoch."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column

from nlptl.core.callbacks import Callback, Facts
from nlptl.report import notebook
from nlptl.report.voice import is_quiet, is_verbose, say

BAR_WIDTH = 16  # so that the whole line fits into 80 characters


@dataclass(frozen=True)
class Plan:
    """The length of a run, and the metric to show."""

    n_updates: int
    n_epochs: int
    metric: str
    """The validation metric that is shown."""

    @property
    def per_epoch(self) -> int:
        """Updates of an epoch."""
        return self.n_updates // self.n_epochs


@contextmanager
def progress(plan: Plan, *, shown: bool) -> Iterator[Sequence[Callback]]:
    """Gives the callbacks that show the progress of training; none if nothing is to be shown.

    Args:
        plan: of the whole run.
        shown: whether this process may print.
    """
    console = Console()
    if not shown or is_quiet():
        yield ()
    elif console.is_terminal and not is_verbose():
        with _bar(plan, console) as bar:
            yield (bar,)
    elif console.is_jupyter and not is_verbose():
        yield (notebook.Bar(plan.n_updates, plan.metric),)
    else:
        yield (Lines(plan),)


class _Bar(Callback):
    def __init__(self, bar: Progress, plan: Plan) -> None:
        self.bar, self.plan, self.score = bar, plan, ""
        self.first, self.n_before, self.began = 0, 0, time.monotonic()
        self.task = bar.add_task("train", total=plan.n_updates, said="")

    def on_begin(self, facts: Facts) -> None:
        """Starts counting here: what a resumed run did before is not this process's work."""
        self.first, self.n_before = facts.update + 1, facts.n_examples

    def on_update(self, facts: Facts) -> None:
        """Moves the bar."""
        took = max(time.monotonic() - self.began, 1e-9)
        left = took / (facts.update - self.first + 1) * (self.plan.n_updates - facts.update)
        rate = (facts.n_examples - self.n_before) / took
        said = f"loss {_loss(facts):.4f}{self.score}, {rate:,.0f} examples/s, {_time(left)} left"
        self.bar.update(self.task, completed=facts.update, said=said)

    def on_evaluate(self, facts: Facts) -> None:
        """Keeps the metric of an evaluation, which is shown from then on."""
        self.score = f", {_score(facts, self.plan.metric)}"


class Lines(Callback):
    """Prints a line after each epoch; if verbose, after each evaluation.

    Args:
        plan: of the whole run.
        clock: gives seconds.
    """

    def __init__(self, plan: Plan, clock: Callable[[], float] = time.monotonic) -> None:
        self.plan, self.clock = plan, clock
        self.began = self.since = self.last = clock()
        self.first, self.epoch_told = 1, 0
        self.update_done, self.n_done, self.n, self.sum = 0, 0, 0, 0.0

    def on_begin(self, facts: Facts) -> None:
        """Starts counting here: what a resumed run did before is not this process's work."""
        self.first, self.epoch_told = facts.update + 1, facts.update // self.plan.per_epoch
        self.n_done = facts.n_examples

    def on_update(self, facts: Facts) -> None:
        """Counts an update; first prints the epoch that ended before it, if no evaluation has."""
        self._end_epoch()
        n = facts.n_examples - self.n_done
        self.update_done, self.n_done, self.last = facts.update, facts.n_examples, self.clock()
        self.n, self.sum = self.n + n, self.sum + _loss(facts) * n

    def on_evaluate(self, facts: Facts) -> None:
        """Prints an epoch's line with its validation metric."""
        if not self.update_done:
            return
        ends = facts.update // self.plan.per_epoch > self.epoch_told or facts.update == self.plan.n_updates
        if ends or is_verbose():
            self._tell(f", validation {_score(facts, self.plan.metric)}")
        if is_verbose():
            say("scores", ", ".join(f"{name} {value:.4f}" for name, value in facts.metrics.items()))

    def on_end(self, facts: Facts) -> None:
        """Prints the last epoch's line, if no evaluation has."""
        self._end_epoch()

    def _end_epoch(self) -> None:
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
    # Cropped without rich's ellipsis, which not every terminal can print.
    numbers, said = (Column(no_wrap=True, overflow="crop") for _ in range(2))
    columns = (
        BarColumn(bar_width=BAR_WIDTH),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f}", table_column=numbers),
        TextColumn("{task.fields[said]}", table_column=said),
    )
    with Progress(*columns, console=console) as bar:
        yield _Bar(bar, plan)


def _loss(facts: Facts) -> float:
    return float("nan") if facts.loss is None else facts.loss


def _score(facts: Facts, metric: str) -> str:
    return f"{metric} {facts.metrics[metric]:.4f}"


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
