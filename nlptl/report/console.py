"""What a run says on the terminal."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from nlptl.core.callbacks import Callback, Facts
from nlptl.core.records import Corpus, Finding, LabelSpace, Pretrained, Scores

if TYPE_CHECKING:
    from nlptl.core.recipe import Recipe

MAX_CLASSES = 30  # shown by name; a longer table helps nobody on a terminal


def before(
    recipe: "Recipe", corpus: Corpus, labels: LabelSpace, pretrained: Pretrained, findings: Sequence[Finding]
) -> None:
    """Prints what is about to happen, and what the audit found."""
    rows = ", ".join(f"{len(examples):,} {split}" for split, examples in corpus.splits.items())
    parameters = list(pretrained.module.parameters())
    trained = sum(p.numel() for p in parameters if p.requires_grad)
    total = sum(p.numel() for p in parameters)
    _say("data", f"{rows}; columns {', '.join(f'{role}={name!r}' for role, name in corpus.columns.items())}")
    if pretrained.output in ("class", "classes", "tags"):
        _say("labels", ", ".join(labels.names[:MAX_CLASSES]) + (" (ordered)" if labels.values else ""))
    source = pretrained.source
    _say("model", f"{source.name} from {source.reference}{f', licence {source.licence}' if source.licence else ''}")
    if source.is_non_commercial:
        warn(f"the model's licence, {source.licence}, forbids commercial use, also of what is trained from it")
    _say(
        "method", f"{type(recipe.method).__name__}, {trained:,} of {total:,} parameters trained ({trained / total:.2%})"
    )
    for note in corpus.notes:
        _say("note", note)
    for finding in findings:
        _say("warning" if finding.severity == "warning" else "audit", finding.message)


def warn(message: str) -> None:
    """Prints a warning."""
    _say("warning", message)


def after(folder: Path, result: dict[str, Any]) -> None:
    """Prints the table of results and where they lie."""
    if result["status"] != "succeeded":
        _say(result["status"], f"go on with nlptl train --resume {folder}")
        return
    _console().print(_results(result))
    timing, parameters = result["timing"], result["parameters"]
    _say(
        "trained",
        f"{parameters['trainable']:,} of {parameters['total']:,} parameters in {timing['train_s']:.1f} s "
        f"({timing['examples_per_s']:.0f} examples/s), peak memory {result['memory']['peak_mib']:,.0f} MiB, "
        f"artifact {result['artifact_bytes'] / 2**20:.1f} MiB",
    )
    skipped = result["training"]["skipped"]
    if skipped:
        updates = result["training"]["updates"]
        warn(f"{skipped} of {updates} updates left out, their loss or gradient was not finite: rows in metrics.jsonl")
    difference = result["reload_check"]["max_abs_diff"]
    _say("reload", f"equal in a fresh process (largest difference {difference:.1e})")
    _say("run", str(folder))


def scores(found: Scores, title: str) -> None:
    """Prints the scores of one split."""
    table = Table(title=Text(title))
    for heading in ("metric", "value", "95 % interval"):
        table.add_column(heading, justify="left" if heading == "metric" else "right")
    for name, interval in found.metrics.items():
        table.add_row(name, f"{interval.value:.4f}", f"{interval.low:.4f} - {interval.high:.4f}")
    _console().print(table)
    if not found.per_class:
        return
    by_class = Table(title="by class")
    for heading in ("label", "precision", "recall", "f1", "rows"):
        by_class.add_column(heading, justify="left" if heading == "label" else "right")
    for label, row in list(found.per_class.items())[:MAX_CLASSES]:
        numbers = [f"{row[name]:.4f}" for name in ("precision", "recall", "f1")]
        by_class.add_row(Text(label), *numbers, f"{row['support']:,.0f}")
    _console().print(by_class)


@contextmanager
def progress(n_updates: int, *, shown: bool) -> Iterator[Sequence[Callback]]:
    """Gives callbacks that move a progress bar with loss, rate and remaining time; none when not on a terminal.

    Args:
        n_updates: of the whole run.
        shown: whether this process may print.
    """
    console = _console()
    if not (shown and console.is_terminal):
        yield ()
        return
    columns = (
        TextColumn("train"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.4f}"),
        TextColumn("{task.fields[rate]:.0f} examples/s"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        yield (_Bar(bar, bar.add_task("train", total=n_updates, loss=float("nan"), rate=0.0)),)


class _Bar(Callback):
    def __init__(self, bar: Progress, task: TaskID) -> None:
        self._bar, self._task = bar, task

    def on_begin(self, facts: Facts) -> None:
        self._n_before = facts.n_examples  # others are a resumed run's

    def on_update(self, facts: Facts) -> None:
        n, elapsed = facts.n_examples - self._n_before, self._bar.tasks[0].elapsed or 0.0
        self._bar.update(self._task, completed=facts.update, loss=facts.loss, rate=n / max(elapsed, 1e-9))


def _results(result: dict[str, Any]) -> Table:
    primary = result["primary"]
    split, metric = primary["split"], primary["name"]
    table = Table(title=f"{split}, {result['rows'][split]:,} rows")
    for heading in ("", metric, "95 % interval", "ours minus it"):
        table.add_column(heading, justify="left" if not heading else "right")
    own = result["metrics"][split][metric]
    table.add_row(Text(result["method"], "bold"), Text(f"{own['value']:.4f}", "bold"), _interval(own), "")
    for name, baseline in result["baselines"].get(split, {}).items():
        gain = baseline["gain"]
        table.add_row(
            name,
            f"{baseline[metric]['value']:.4f}",
            _interval(baseline[metric]),
            f"{gain['value']:+.4f} ({_interval(gain)})",
        )
    return table


def _interval(value: dict[str, float]) -> str:
    return f"{value['low']:.4f} to {value['high']:.4f}"


def _say(about: str, text: str) -> None:
    # Labels, paths and notes are the user's: rich must not read markup in them.
    _console().print(f"{about:8}{text}", markup=False, highlight=False, soft_wrap=True, emoji=False)


def _console() -> Console:
    return Console()
