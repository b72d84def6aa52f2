"""The learning curves, from metrics.jsonl."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from nlptl.core.result import Result
from nlptl.report import figures
from nlptl.report.figures import Points
from nlptl.report.parts import Figure
from nlptl.runs.folder import LOG

Line = Mapping[str, object]


def read_log(path: Path) -> tuple[list[Line], int]:
    """Returns the lines of metrics.jsonl, and how many are damaged.

    Args:
        path: of the run's folder.
    """
    if not (path / LOG).exists():
        return [], 0
    lines: list[Line] = []
    n_damaged = 0
    for text in (path / LOG).read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            line = None
        if isinstance(line, dict) and isinstance(line.get("update"), int):
            lines.append(line)
        else:
            n_damaged += 1
    return lines, n_damaged


def curves(log: Sequence[Line], metric: str, result: Result) -> list[Figure]:
    """Returns loss, validation metric and learning rate by update, as far as the log has them; none of a solved head.

    Args:
        log: the lines of metrics.jsonl.
        metric: the primary metric.
        result: of the run.
    """
    training = result.training
    if training and training.head:
        return []
    log = of_chosen_seed(log, result)
    best = training.best_update if training else None
    skipped = [float(u) for u in _updates([line for line in log if line.get("skipped")])]
    measured = [line | own for line in map(dict, log) if isinstance(own := line.get("validation"), dict)]
    found = []
    if loss := _points(log, "loss"):
        note = "Marks on the axis: skipped updates." if skipped else "Of single updates."
        found.append(Figure(figures.line(loss, "update", "training loss", skipped), "Training loss", note))
    if own := _points(measured, metric):
        note = "The ring is the update that was kept." if best in own.x else "After each evaluation."
        found.append(Figure(figures.line(own, "update", metric, best=best), f"{metric} on validation", note))
    if rate := _points(log, "lr"):
        found.append(Figure(figures.line(rate, "update", "learning rate"), "Learning rate", "As the schedule set it."))
    return found


def of_chosen_seed(log: Sequence[Line], result: Result) -> Sequence[Line]:
    """Returns the lines of the seed that was kept, its updates counted from 1; with one seed all lines."""
    chosen = next((own.seed for own in result.training.seeds if own.chosen), None) if result.training else None
    starts = {line["seed"]: int(str(line["update"])) for line in log if "seed" in line}
    if chosen not in starts:
        return log
    first = starts[chosen]
    end = min((start for start in starts.values() if start > first), default=math.inf)
    some = [line for line in log if first <= int(str(line["update"])) < end]
    return [{**line, "update": int(str(line["update"])) - first + 1} for line in some]


def notes(result: Result, n_damaged: int) -> list[str]:
    """Returns what training did, in words.

    Args:
        result: of the run.
        n_damaged: lines of metrics.jsonl.
    """
    found = [f"Damaged lines left out of {LOG}: {n_damaged:,}."] if n_damaged else []
    training = result.training
    if training is None:
        return found
    if training.head:
        chosen = "; ".join(f"{name} {_in_words(value)}" for name, value in training.head.items())
        return [f"The head was solved for, without updates: {chosen}.", *found]
    best = f", best on validation after update {training.best_update:,}" if training.best_update else ""
    left_out = f"; {training.skipped:,} skipped, their loss or gradient was not finite" if training.skipped else ""
    phases = f" in {len(training.phases)} phases" if len(training.phases) > 1 else ""
    seeds = [f"seed {own.seed} {own.value:.3f}" for own in training.seeds]
    if seeds:
        found = [f"Of {len(seeds)} seeds the best on validation was kept: {', '.join(seeds)}.", *found]
    return [f"{training.updates:,} updates{phases}{best}{left_out}.", *found]


def _points(lines: Sequence[Line], name: str) -> Points | None:
    """Returns the finite values of a name by update; None if there are none."""
    some = [line for line in lines if isinstance(value := line.get(name), int | float) and math.isfinite(value)]
    return Points(_updates(some), [float(str(line[name])) for line in some]) if some else None


def _in_words(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_in_words(own)}" for name, own in value.items())
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _updates(lines: Sequence[Line]) -> list[float]:
    return [float(str(line["update"])) for line in lines]
