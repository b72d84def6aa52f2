"""The tables of a run: results beside the baselines, scores, classes, confusion."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from nlptl.core.records import Interval, Scores
from nlptl.core.result import Primary, Result
from nlptl.report.voice import cell, shown_here

MOST_CLASSES = 10
"""Most classes that are shown one by one; more are in result.json, and shown by --verbose."""
MOST_HEADING = 24
"""Most characters of a label in a column's heading."""


def results(result: Result, primary: Primary) -> Table:
    """Returns the primary metric of a run and of the baselines."""
    split, metric = primary.split, primary.name
    baselines = result.baselines.get(split, {})
    headings = ("", metric, "95 % interval", *(["difference to baseline"] if baselines else []))
    table = headed(f"{split}, {result.rows[split]:,} rows", headings)
    own = result.metrics[split][metric]
    table.add_row(cell(result.method, "bold"), cell(f"{own.value:.4f}", "bold"), interval(own))
    for name, baseline in baselines.items():
        gain, value = baseline.gain, baseline.value
        difference = f"{gain.value:+.4f} ({interval(gain, signed=True)})"
        table.add_row(cell(name), f"{value.value:.4f}", interval(value), difference)
    return table


class Tried(NamedTuple):
    """A row of the table of a search."""

    name: str
    value: float
    """Of the metric, mean over the parts."""
    gain: tuple[float, float] | None
    """95 % interval of the difference to the chosen one; None for this one."""
    n_parts: int
    updates: int
    """0 if the head was solved for."""
    seconds: float
    chosen: bool


def tried(metric: str, rows: Sequence[Tried]) -> Table:
    """Returns what a search compared."""
    headings = ("method", metric, "difference to the chosen", "parts", "updates", "s")
    table = headed("tried on training rows held out", headings)
    for row in rows:
        style, gain = "bold" if row.chosen else "", "chosen"
        if row.gain:
            gain = f"{row.gain[0]:+.4f} to {row.gain[1]:+.4f}"
        updates = f"{row.updates:,}" if row.updates else "solved"
        numbers = (f"{row.value:.4f}", gain, str(row.n_parts), updates, f"{row.seconds:.1f}")
        table.add_row(cell(row.name, style), *(cell(number, style) for number in numbers))
    return table


def metrics(scores: Scores, title: str) -> Table:
    """Returns all metrics of one split."""
    table = headed(title, ("metric", "value", "95 % interval"))
    for name, found in scores.metrics.items():
        table.add_row(cell(name), f"{found.value:.4f}", interval(found))
    return table


def by_class(per_class: Mapping[str, Mapping[str, float]]) -> Table:
    """Returns precision, recall, F1 and rows of each class."""
    table = headed("by class", ("label", "precision", "recall", "f1", "rows"))
    for label, row in per_class.items():
        numbers = [f"{row[name]:.4f}" for name in ("precision", "recall", "f1")]
        table.add_row(cell(label), *numbers, f"{row['support']:,.0f}")
    return table


def confusion(matrix: Sequence[Sequence[int]], labels: Sequence[str]) -> Table:
    """Returns how often each class was predicted for each label; columns are numbered if their names are too wide.

    Args:
        matrix: rows are labels, columns are predictions.
        labels: in the matrix's order.
    """
    names = [shown_here(label, MOST_HEADING) for label in labels]
    columns, rows = names, names
    if sum(cell_len(name) + 3 for name in [max(names, key=cell_len), *names]) > Console().width:
        columns, rows = [str(i + 1) for i in range(len(names))], [f"{i + 1} {name}" for i, name in enumerate(names)]
    table = headed("predicted as", ("label", *columns))
    for name, counts in zip(rows, matrix, strict=True):
        table.add_row(cell(name), *(f"{n:,}" for n in counts))
    return table


def headed(title: str, headings: Sequence[str]) -> Table:
    """Returns a table without rows; only its first column is on the left.

    Args:
        title: above the table.
        headings: of the columns.
    """
    table = Table(title=cell(title, most=None))
    for i, heading in enumerate(headings):
        # Folded, not cut with rich's ellipsis, which not every terminal can print.
        table.add_column(cell(heading), justify="right" if i else "left", overflow="fold")
    return table


def interval(value: Interval, *, signed: bool = False) -> str:
    """Returns the ends of an interval, such as "0.8142 to 0.8635"."""
    low, high = (f"{end:+.4f}" if signed else f"{end:.4f}" for end in (value.low, value.high))
    return f"{low} to {high}"
