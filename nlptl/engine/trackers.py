"""Trackers, such as TensorBoard, through Accelerate."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from accelerate.tracking import LOGGER_TYPE_TO_CLASS, GeneralTracker, get_available_trackers

from nlptl.core import files
from nlptl.core.callbacks import Callback, Facts
from nlptl.core.errors import InputError, nearest
from nlptl.core.registry import imported

EXTRAS = {"tensorboard": "nlptl[tensorboard]", "wandb": "nlptl[wandb]", "trackio": "nlptl[trackio]", "mlflow": "mlflow"}
"""What to install for each; mlflow pins older packages than nlptl needs, so that it is no extra."""
TOLD = "trackers.json"
"""In the run's folder: the last steps that trackers were told."""


def check(names: Sequence[str]) -> None:
    """Raises an InputError if a tracker is unknown or its package is missing."""
    for name in names:
        _class_of(name)


def _class_of(name: str) -> type[GeneralTracker]:
    if "." in name:
        found = imported("tracker", name)
        if not (isinstance(found, type) and issubclass(found, GeneralTracker)):
            raise InputError(
                f"tracker {name!r} is no tracker: expected a subclass of accelerate.tracking.GeneralTracker"
            )
        return found
    if name not in EXTRAS:
        raise InputError(f"unknown tracker {name!r}{nearest(name, EXTRAS)}; known: {', '.join(EXTRAS)}")
    if name not in {str(getattr(known, "value", known)) for known in get_available_trackers()}:
        raise InputError(f"the tracker {name} is not installed: pip install '{EXTRAS[name]}'")
    known: type[GeneralTracker] = LOGGER_TYPE_TO_CLASS[name]
    return known


class Tracked(Callback):
    """Reports loss, learning rate and validation metrics to trackers; never a step twice, also in a resumed run.

    Args:
        names: of trackers, or of classes of the user's own.
        run: the run's folder; trackers that write files write them below it.
        settings: of the run, by name.
        every: updates between reports.
    """

    def __init__(self, names: Sequence[str], run: Path, settings: Mapping[str, object], every: int) -> None:
        self._file, self._every = run / TOLD, every
        resumed = self._file.exists()
        self._told: dict[str, int] = json.loads(self._file.read_text()) if resumed else {"update": 0, "evaluation": 0}
        self._trackers: list[GeneralTracker] = []
        for name in names:
            made = _class_of(name)
            place = {"logging_dir": run / "trackers"} if made.requires_logging_directory else {}
            tracker = made(run.name, **place)
            tracker.start()
            if not resumed:
                tracker.store_init_configuration(dict(settings))
            self._trackers.append(tracker)

    def on_update(self, facts: Facts) -> None:
        """Tells loss, learning rate and gradient norm."""
        if facts.update % self._every == 0 and not facts.skipped:
            values = {"train/loss": facts.loss, "train/lr": facts.lr, "train/grad_norm": facts.grad_norm}
            self._tell("update", facts.update, values)

    def on_evaluate(self, facts: Facts) -> None:
        """Tells the metrics."""
        self._tell("evaluation", facts.update, {f"validation/{name}": v for name, v in facts.metrics.items()})

    def on_end(self, facts: Facts) -> None:
        """Ends the trackers."""
        for tracker in self._trackers:
            tracker.finish()

    def _tell(self, event: str, step: int, values: Mapping[str, float | None]) -> None:
        if step <= self._told[event]:
            return
        self._told[event] = step
        files.write_json(self._file, self._told)  # before: a run that is killed here loses a step and repeats none
        for tracker in self._trackers:
            tracker.log({name: value for name, value in values.items() if value is not None}, step=step)
