"""The tables of a comparison: scores, pairs, costs."""

from collections.abc import Sequence

from rich.table import Table

from nlptl.core.comparison import Compared, Comparison, Pair
from nlptl.report.tables import headed, interval
from nlptl.report.voice import cell

LEVEL = 0.05
"""A difference counts as significant if its corrected p-value is at most this."""
SHOWN = 5
"""Most pairs named in a sentence."""


def scores(found: Comparison) -> Table:
    """Returns the runs' scores, each with its difference to the reference."""
    headings = ("run", found.metric, "95 % interval", f"difference to {found.reference}")
    table = headed(f"{found.split}, {found.n_rows:,} rows", headings)
    for run in found.runs:
        style = "bold" if run.run == found.reference else ""
        gain = run.difference
        difference = "" if gain is None else f"{gain.value:+.4f} ({interval(gain, signed=True)})"
        values = (f"{run.score.value:.4f}", interval(run.score), difference)
        table.add_row(cell(run.run, style), *(cell(value, style) for value in values))
    return table


def pairs(found: Sequence[Pair]) -> Table:
    """Returns the p-values of the pairs."""
    exact = all(pair.mcnemar_holm is not None for pair in found)
    headings = ("pair", "difference", "p (Holm)", *(["McNemar (Holm)"] if exact else []), "rows that differ")
    table = headed("every pair", headings)
    for pair in found:
        mcnemar = [] if pair.mcnemar_holm is None or not exact else [_p(pair.mcnemar_holm)]
        values = (f"{pair.difference.value:+.4f}", _p(pair.p_holm), *mcnemar, f"{pair.n_differ:,}")
        style = "bold" if pair.p_holm <= LEVEL else ""
        table.add_row(cell(f"{pair.first} - {pair.second}", style), *(cell(value, style) for value in values))
    return table


def costs(runs: Sequence[Compared]) -> Table:
    """Returns what each run is, and what it took; the models only if they differ."""
    differ = ["model"] if len({run.model for run in runs}) > 1 else []
    table = headed("costs", ("run", "method", *differ, "trained", "training s", "peak MiB", "artifact MiB"))
    for run in runs:
        model = [(run.model or "").rpartition("/")[2]] if differ else []
        numbers = (_number(run.trained), _number(run.train_s, 1), _number(run.peak_mib))
        size = f"{run.artifact_bytes / 2**20:,.1f}"
        table.add_row(*map(cell, (run.run, run.method, *model, *numbers, size)))
    return table


def in_words(found: Comparison) -> str:
    """Returns which runs are better than which, beyond chance."""
    sure = [pair for pair in found.pairs if pair.p_holm <= LEVEL]
    better = [(p.first, p.second) if _is_better(p, found) else (p.second, p.first) for p in sure]
    n_unsure, n = len(found.pairs) - len(sure), len(found.pairs)
    by_chance = f"{n_unsure} of {n} differences may be chance" if n > 1 else "the difference may be chance"
    parts = [f"{first} is better than {second}" for first, second in better[:SHOWN]]
    parts += [f"{len(better) - SHOWN} more such pairs"] if len(better) > SHOWN else []
    parts += [by_chance] if n_unsure else []
    return f"{'; '.join(parts)} (permutation test at {100 * LEVEL:.0f} %, Holm's correction)"


def _is_better(pair: Pair, found: Comparison) -> bool:
    return (pair.difference.value > 0) == found.greater_is_better


def _p(value: float) -> str:
    return f"{value:.4f}" if value >= 0.00005 else f"{value:.0e}"


def _number(value: float | None, digits: int = 0) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"
