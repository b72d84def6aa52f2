"""Tells callbacks how far training is, and returns their wish to stop."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypedDict, Unpack

from nlptl.core.callbacks import Callback, Facts
from nlptl.engine.checkpoint import Progress
from nlptl.engine.job import Among
from nlptl.engine.phases import Planned

Event = Literal["on_begin", "on_update", "on_evaluate", "on_checkpoint", "on_end"]


class OfUpdate(TypedDict, total=False):
    """Facts of the last update; none before the first."""

    loss: float
    lr: float
    grad_norm: float


class OfEvent(TypedDict, total=False):
    """Facts of some events only."""

    skipped: str
    row_ids: tuple[int, ...]
    checkpoint: Path
    stopped_by: str | None


class Telling:
    """Calls the callbacks of this process and collects their wish to stop.

    Args:
        callbacks: in the order in which they are called.
        among: the other trainings of the run.
        n_updates: of this training.
        per_epoch: updates of an epoch.
    """

    def __init__(self, callbacks: Sequence[Callback], among: Among, n_updates: int, per_epoch: int) -> None:
        self._callbacks, self._among, self._per_epoch = callbacks, among, per_epoch
        self._n_updates = among.before + n_updates + among.after
        self.last: OfUpdate = {}
        """Loss, learning rate and gradient norm of the last update."""
        self.asked: str | None = None
        """Which callback asked to stop, and why."""

    def __call__(self, event: Event, progress: Progress, planned: Planned, **more: Unpack[OfEvent]) -> None:
        """Calls one method of all callbacks.

        Args:
            event: the method's name.
            progress: how far training is.
            planned: the phase that trains.
            more: further facts of this event.
        """
        if event == "on_end" and progress.finished and self._among.after:
            return
        before, best = self._among.before, progress.best_update
        facts = Facts(
            update=before + progress.update,
            n_updates=self._n_updates,
            epoch=(before + progress.update) / self._per_epoch,
            n_examples=progress.n_examples,
            phase=planned.index,
            trainable=planned.trainable,
            metrics=progress.validation,
            best_update=None if best is None else before + best,
            **self.last,
            **more,
        )
        for callback in self._callbacks:
            why = getattr(callback, event)(facts)
            if why and self.asked is None:
                self.asked = f"{type(callback).__name__}: {why}"
