"""metrics.jsonl, written by a callback."""

from collections.abc import Callable, Mapping

from nlptl.core.callbacks import Callback, Facts


class Log(Callback):
    """Writes the lines of metrics.jsonl: updates, all skipped updates, evaluations and notes.

    Args:
        write: called with each line.
        every: updates between lines.
    """

    def __init__(self, write: Callable[[dict[str, object]], None], every: int) -> None:
        self._write, self._every = write, every

    def on_update(self, facts: Facts) -> None:
        """Writes loss, learning rate and gradient norm, or why an update was skipped."""
        if facts.skipped:
            self._write({"update": facts.update, "skipped": facts.skipped, "row_ids": list(facts.row_ids)})
        elif facts.update % self._every == 0:
            values = {"loss": facts.loss, "lr": facts.lr, "grad_norm": facts.grad_norm}
            self._write({"update": facts.update, **values})

    def on_evaluate(self, facts: Facts) -> None:
        """Writes the metrics."""
        self._write({"update": facts.update, "epoch": facts.epoch, "validation": dict(facts.metrics)})

    def on_note(self, note: Mapping[str, object]) -> None:
        """Writes the note."""
        self._write(dict(note))
