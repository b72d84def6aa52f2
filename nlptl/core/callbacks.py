"""Callbacks: objects that are told how training goes on, such as the log, the progress bar and trackers."""

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
    """Where training stands when a callback is called."""

    update: int
    """Updates done, in all phases."""
    n_updates: int
    """Updates of the whole run, if nothing stops it."""
    epoch: float
    """Passes over the training examples done."""
    n_examples: int
    """Training examples seen, those of every epoch counted."""
    phase: int
    """Number of the phase, from 0."""
    trainable: int
    """Parameters that the phase trains."""
    loss: float | None = None
    """Of the last update; None before the first."""
    lr: float | None = None
    """Learning rate of the last update; groups of parameters have it times their own factor."""
    grad_norm: float | None = None
    """Gradient norm of the last update, before clipping."""
    skipped: str | None = None
    """Why the last update was left out, such as "loss nan, gradient norm nan"; None if it was done."""
    row_ids: tuple[int, ...] = ()
    """Of the examples of an update that was left out."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Of the last evaluation on validation; empty before the first."""
    best_update: int | None = None
    """At which update the evaluation was best so far."""
    checkpoint: Path | None = None
    """Folder of the checkpoint, in `on_checkpoint`."""
    stopped_by: str | None = None
    """In `on_end`: the signal or the callback that stopped the run."""


class Callback(Protocol):
    """What training calls; a subclass writes the methods that it needs, the others do nothing.

    Every process calls the callbacks that it was given. An error in a callback ends the run, which can then be resumed.
    A resumed run calls `on_begin` again, then goes on after its checkpoint, so an update can be told twice.
    """

    def on_begin(self, facts: Facts) -> None:
        """Is called before the first update, and before the first one after resuming."""
        return

    def on_update(self, facts: Facts) -> str | None:
        """Is called after each update; returns why training must stop, or None to go on."""
        return None

    def on_evaluate(self, facts: Facts) -> str | None:
        """Is called after each evaluation on validation; returns why training must stop, or None to go on.

        If a callback asks to stop, the model is evaluated as after the last update, and the run ends with status
        succeeded; its result says `stopped_by`.
        """
        return None

    def on_checkpoint(self, facts: Facts) -> None:
        """Is called after a checkpoint was written."""
        return

    def on_end(self, facts: Facts) -> None:
        """Is called when training ends: finished, stopped early or interrupted; not after an error."""
        return

    def on_note(self, note: Mapping[str, object]) -> None:
        """Is called for what else belongs into metrics.jsonl.

        Args:
            note: JSON values; "update" is always there: {"update": 0, "planned": True, "micro_batch_tokens": 2048},
                {"update": 7, "out_of_memory": True, ...}, {"update": 1, "phase": 0, "trainable": 592130, ...}.
        """
        return


METHODS = ("on_begin", "on_update", "on_evaluate", "on_checkpoint", "on_end", "on_note")


def named(name: str) -> Callback:
    """Returns a callback of the user's own.

    Args:
        name: of its class, such as my_package.MyCallback.

    Raises:
        InputError: there is no such class, it lacks a method, or it cannot be made.
    """
    found = imported("callback", name)
    lacks = [method for method in METHODS if not hasattr(found, method)]
    if lacks or not isinstance(found, type):
        what = f"something without {', '.join(lacks)}" if lacks else "no class"
        raise InputError(f"callback {name!r} is no callback: expected a subclass of nlptl.Callback, found {what}")
    try:
        made: Callback = found()
    except TypeError as error:
        raise InputError(f"callback {name!r} cannot be made without arguments: {error}") from error
    return made
