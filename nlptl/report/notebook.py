"""How a run shows itself in Python: as one line; in a notebook as a table, and with a progress bar."""

import time
from collections.abc import Iterator
from html import escape
from typing import Any

from nlptl.core.callbacks import Callback, Facts
from nlptl.core.records import Interval
from nlptl.core.result import Result

REDRAW_S = 0.25


def line(result: Result) -> str:
    """Returns a result in a few words, such as "sentiment by lora: test accuracy 0.8125 [0.7500, 0.8750]"."""
    what, primary = f"{result.task} by {result.method}", result.primary
    if result.status != "succeeded" or primary is None:
        return f"{what}: {result.status}"
    return f"{what}: {primary.split} {primary.name} {_measured(result.metrics[primary.split][primary.name])}"


def table(folder: str, result: Result) -> str:
    """Returns a result as an HTML table: each metric by split, and the baselines' values of the primary one.

    Args:
        folder: the run's.
        result: what the run measured.
    """
    heading = f"<b>{escape(folder)}</b> {escape(line(result))}"
    if result.status != "succeeded":
        return f"<div>{heading}</div>"
    cells = "".join(
        f"<tr><td>{escape(split)}</td><td>{escape(system)}</td><td>{escape(metric)}</td><td>{escape(value)}</td></tr>"
        for split, system, metric, value in _rows(result)
    )
    head = "<tr><th>split</th><th>system</th><th>metric</th><th>value [95 % interval]</th></tr>"
    return f"<div>{heading}<table><thead>{head}</thead><tbody>{cells}</tbody></table></div>"


def _rows(result: Result) -> Iterator[tuple[str, str, str, str]]:
    """Yields split, system, metric and its value."""
    for split, metrics in result.metrics.items():
        for metric, value in metrics.items():
            yield split, result.method, metric, _measured(value)
        for name, baseline in result.baselines.get(split, {}).items():
            yield split, name, baseline.metric, _measured(baseline.value)


def _measured(value: Interval) -> str:
    return f"{value.value:.4f} [{value.low:.4f}, {value.high:.4f}]"


class Bar(Callback):
    """A progress bar in a notebook, which IPython updates in place.

    Args:
        n_updates: of the whole run.
        metric: the validation metric that is shown after each evaluation.
    """

    def __init__(self, n_updates: int, metric: str) -> None:
        import IPython.display

        ipython: Any = IPython.display
        self._html, self._n_updates, self._metric = ipython.HTML, n_updates, metric
        self._began = self._shown = time.monotonic()
        self._n_before, self._score = 0, ""
        self._place = ipython.display(self._html(self._bar(0, "")), display_id=True)

    def on_begin(self, facts: Facts) -> None:
        """Starts counting here: what a resumed run did before is not this process's work."""
        self._n_before = facts.n_examples

    def on_update(self, facts: Facts) -> None:
        """Moves the bar, at most a few times a second, so that drawing does not slow training."""
        now = time.monotonic()
        if facts.update >= self._n_updates or now - self._shown >= REDRAW_S:
            self._shown = now
            rate = (facts.n_examples - self._n_before) / max(now - self._began, 1e-9)
            loss = float("nan") if facts.loss is None else facts.loss
            said = f"loss {loss:.4f}{self._score}, {rate:,.0f} examples/s"
            self._place.update(self._html(self._bar(facts.update, said)))

    def on_evaluate(self, facts: Facts) -> None:
        """Keeps the metric of an evaluation, which is shown from then on."""
        self._score = f", validation {self._metric} {facts.metrics[self._metric]:.4f}"

    def _bar(self, update: int, said: str) -> str:
        bar = f'<progress value="{update}" max="{self._n_updates}"></progress>'
        return f"<div>train {bar} {update:,}/{self._n_updates:,} {escape(said)}</div>"
