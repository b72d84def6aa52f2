"""Callbacks: objects that training reports to, such as the log, the progress bar and trackers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from nlptl.core.errors import InputError
from nlptl.core.registry import imported

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Facts:
    """State of training at the time of a callback."""

    update: int
    """Updates done, over all phases and seeds."""
    n_updates: int
    """Updates planned for the whole run, with train.seeds for all seeds together."""
    epoch: float
    """Passes over the training examples so far."""
    n_examples: int
    """Training examples seen, with train.seeds by this seed; an example counts again in each epoch."""
    phase: int
    """Index of the phase, from 0."""
    trainable: int
    """Number of parameters that the phase trains."""
    loss: float | None = None
    """Loss of the last update; None before the first update."""
    lr: float | None = None
    """Learning rate of the last update, before the factors of parameter groups."""
    grad_norm: float | None = None
    """Gradient norm of the last update, before clipping."""
    skipped: str | None = None
    """Why the last update was skipped, such as "loss nan, gradient norm nan"; None if it was not."""
    row_ids: tuple[int, ...] = ()
    """Row ids of the examples in a skipped update."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Metrics of the last evaluation on validation; empty before the first."""
    best_update: int | None = None
    """Update with the best evaluation so far."""
    checkpoint: Path | None = None
    """Folder of the checkpoint, in `on_checkpoint`."""
    stopped_by: str | None = None
    """In `on_end`: the signal or the callback that stopped the run."""


class Callback(Protocol):
    """The methods that training calls; a subclass overrides those it needs, the others do nothing.

    Each process calls its own callbacks. An error in a callback ends the run, which can then be resumed. A resumed run
    calls `on_begin` again and continues from its checkpoint, so the same update may be reported twice.
    """

    def on_begin(self, facts: Facts) -> None:
        """Called before the first update, also after resuming, and with train.seeds for each seed."""
        return

    def on_update(self, facts: Facts) -> str | None:
        """Called after each update; returns the reason to stop, or None to continue."""
        return None

    def on_evaluate(self, facts: Facts) -> str | None:
        """Called after each evaluation on validation; returns the reason to stop, or None to continue.

        If a callback stops training, the final evaluation still happens and the run succeeds; `stopped_by` in its
        result names the reason.
        """
        return None

    def on_checkpoint(self, facts: Facts) -> None:
        """Called after a checkpoint was written."""
        return

    def on_end(self, facts: Facts) -> None:
        """Called when training ends: finished, stopped early or interrupted; not after an error."""
        return

    def on_note(self, note: Mapping[str, object]) -> None:
        """Called for each further entry of metrics.jsonl.

        Args:
            note: JSON values, always with "update": {"update": 0, "planned": True, "micro_batch_tokens": 2048},
                {"update": 7, "out_of_memory": True, ...}, {"update": 1, "phase": 0, "trainable": 592130, ...}.
        """
        return


METHODS = ("on_begin", "on_update", "on_evaluate", "on_checkpoint", "on_end", "on_note")


def named(name: str) -> Callback:
    """Returns a callback that the user wrote.

    Args:
        name: dotted name of its class, such as my_package.MyCallback.

    Raises:
        InputError: there is no such class, it lacks a method, or its constructor needs arguments.
    """
    cls = imported("callback", name)
    lacks = [method for method in METHODS if not hasattr(cls, method)]
    if lacks or not isinstance(cls, type):
        what = f"an object without {', '.join(lacks)}" if lacks else "something that is not a class"
        raise InputError(f"{name!r} is not a callback: expected a subclass of nlptl.Callback, found {what}")
    try:
        callback: Callback = cls()
    except TypeError as error:
        raise InputError(f"callback {name!r} cannot be created without arguments: {error}") from error
    return callback
