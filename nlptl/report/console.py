"""What a run says on the terminal."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from nlptl.protocols import Corpus, Finding, LabelSpace, Pretrained, Scores
from nlptl.recipe import Recipe

Show = Callable[[int, float, int], None]
MAX_CLASSES = 30  # shown by name; a longer table helps nobody on a terminal


def before(
    recipe: Recipe, corpus: Corpus, labels: LabelSpace, pretrained: Pretrained, findings: Sequence[Finding]
) -> None:
    """Prints what is about to happen, and what the audit found."""
    say = _console().print
    rows = ", ".join(f"{len(examples):,} {split}" for split, examples in corpus.splits.items())
    parameters = list(pretrained.module.parameters())
    trained = sum(p.numel() for p in parameters if p.requires_grad)
    total = sum(p.numel() for p in parameters)
    say(f"data    {rows}; columns {', '.join(f'{r}={c!r}' for r, c in corpus.columns.items())}", highlight=False)
    say(f"labels  {', '.join(labels.names[:MAX_CLASSES])}{' (ordered)' if labels.values else ''}", highlight=False)
    say(f"model   {pretrained.source.name} from {pretrained.source.reference}", highlight=False)
    say(
        f"method  {type(recipe.method).__name__}, {trained:,} of {total:,} parameters trained ({trained / total:.2%})",
        highlight=False,
    )
    for note in corpus.notes:
        say(f"note    {note}", highlight=False)
    for finding in findings:
        mark = "[yellow]warning[/]" if finding.severity == "warning" else "audit  "
        say(f"{mark} {_plain(finding.message)}", highlight=False)


def after(folder: Path, result: dict[str, Any]) -> None:
    """Prints the table of results and where they lie."""
    console = _console()
    if result["status"] != "succeeded":
        console.print(f"{result['status']}: go on with [bold]nlptl train --resume {folder}[/]", highlight=False)
        return
    console.print(_results(result))
    console.print(_summary(result), highlight=False)
    console.print(f"run     {folder}", highlight=False, soft_wrap=True)


def scores(found: Scores, title: str) -> None:
    """Prints the scores of one split."""
    table = Table(title=title)
    for heading in ("metric", "value", "95 % interval"):
        table.add_column(heading, justify="left" if heading == "metric" else "right")
    for name, interval in found.metrics.items():
        table.add_row(name, f"{interval.value:.4f}", f"{interval.low:.4f} - {interval.high:.4f}")
    _console().print(table)
    by_class = Table(title="by class")
    for heading in ("label", "precision", "recall", "f1", "rows"):
        by_class.add_column(heading, justify="left" if heading == "label" else "right")
    for label, row in list(found.per_class.items())[:MAX_CLASSES]:
        numbers = [f"{row[name]:.4f}" for name in ("precision", "recall", "f1")]
        by_class.add_row(_plain(label), *numbers, f"{row['support']:,.0f}")
    _console().print(by_class)


@contextmanager
def progress(n_updates: int, *, shown: bool) -> Iterator[Show]:
    """Gives a function that moves a progress bar with loss, rate and remaining time; quiet when not on a terminal.

    Args:
        n_updates: of the whole run.
        shown: whether this process may print.
    """
    console = _console()
    if not (shown and console.is_terminal):
        yield lambda update, loss, n: None
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
        task = bar.add_task("train", total=n_updates, loss=float("nan"), rate=0.0)
        done = 0

        def show(update: int, loss: float, n: int) -> None:
            nonlocal done
            done += n
            bar.update(task, completed=update, loss=loss, rate=done / max(bar.tasks[0].elapsed or 0.0, 1e-9))

        yield show


def _results(result: dict[str, Any]) -> Table:
    primary = result["primary"]
    split, metric = primary["split"], primary["name"]
    table = Table(title=f"{split}, {result['rows'][split]:,} rows")
    for heading in ("", metric, "95 % interval", "ours minus it"):
        table.add_column(heading, justify="left" if not heading else "right")
    own = result["metrics"][split][metric]
    table.add_row(f"[bold]{result['method']}[/]", f"[bold]{own['value']:.4f}[/]", _interval(own), "")
    for name, baseline in result["baselines"].get(split, {}).items():
        gain = baseline["gain"]
        table.add_row(
            name,
            f"{baseline[metric]['value']:.4f}",
            _interval(baseline[metric]),
            f"{gain['value']:+.4f} ({_interval(gain)})",
        )
    return table


def _summary(result: dict[str, Any]) -> str:
    timing, parameters = result["timing"], result["parameters"]
    return (
        f"trained {parameters['trainable']:,} of {parameters['total']:,} parameters in {timing['train_s']:.1f} s "
        f"({timing['examples_per_s']:.0f} examples/s), peak memory {result['memory']['peak_mib']:,.0f} MiB, "
        f"artifact {result['artifact_bytes'] / 2**20:.1f} MiB\n"
        f"reload  equal in a fresh process (largest difference of logits {result['reload_check']['max_abs_diff']:.1e})"
    )


def _interval(value: dict[str, float]) -> str:
    return f"{value['low']:.4f} to {value['high']:.4f}"


def _plain(text: str) -> str:
    return text.replace("[", r"\[")  # rich would read brackets as markup


def _console() -> Console:
    return Console()
