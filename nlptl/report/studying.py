"""What a study shows: means over seeds with the Pareto fronts, and what more labels would bring."""

import math
from collections.abc import Iterator

from rich.table import Table

from nlptl.core.study import COSTS, Group, Growth, StudyRecord
from nlptl.report.tables import headed, interval
from nlptl.report.voice import cell

FRONT = "*"
"""Marks a cost for which no other method does as well for less."""
MIB = 2**20


def scores(found: StudyRecord) -> Table:
    """Returns the means over seeds."""
    table = headed(f"{found.split}, mean over seeds", (*names(found), found.metric, "95 % interval", "seeds"))
    for group in found.groups:
        seeds = f"{group.n_seeds}{f' ({group.n_failed} failed)' if group.n_failed else ''}"
        value = "-" if group.score is None else f"{group.score.value:.4f}"
        table.add_row(*map(cell, (*name(found, group), value, _ends(group), seeds)))
    return table


def costs(found: StudyRecord) -> Table:
    """Returns the mean costs; those on the Pareto front are marked."""
    among = " with as many labels" if "labels" in names(found) else ""
    headings = (*names(found), "trained", "training s", "peak MiB", "artifact MiB")
    table = headed(f"costs; {FRONT}: no other{among} does as well for less", headings)
    for group in found.groups:
        table.add_row(*map(cell, (*name(found, group), *(_cost(group, cost) for cost in COSTS))))
    return table


def growth(found: StudyRecord) -> Iterator[str]:
    """Yields what twice as many labels would bring, a line for each method and model."""
    models = len({group.model for group in found.groups}) > 1
    for curve in found.growth:
        own = f"{curve.method}{f' of {curve.model}' if models else ''}"
        if curve.doubled is None or curve.a is None or curve.b is None:
            yield f"{own}: no learning curve could be fitted: {curve.reason}"
            continue
        gain, n = curve.doubled, curve.largest or 0
        law = in_words(curve)
        ends = "one seed, no interval" if gain.low == gain.high else interval(gain, signed=True)
        yield f"{own}: {2 * n:,} labels in place of {n:,}: {gain.value:+.4f} ({ends}), by {law}"


def in_words(curve: Growth) -> str:
    """Returns the law of a curve; empty if none was fitted."""
    if curve.a is None or curve.b is None or curve.c is None:
        return ""
    return f"{curve.a:.4f} {'-' if curve.b >= 0 else '+'} {abs(curve.b):.4f} n^-{curve.c:.2f}"


def names(found: StudyRecord) -> tuple[str, ...]:
    """Returns the headings of the columns that name a group: only what differs."""
    more = len({group.model for group in found.groups}) > 1, len({group.label_count for group in found.groups}) > 1
    return ("method", *(["model"] if more[0] else []), *(["labels"] if more[1] else []))


def name(found: StudyRecord, group: Group) -> list[str]:
    """Returns what names a group, one for each of `names`."""
    count = "all" if group.label_count is None else f"{group.label_count:,}"
    words = {"method": group.method, "model": group.model.rstrip("/").rpartition("/")[2], "labels": count}
    return [words[heading] for heading in names(found)]


def _ends(group: Group) -> str:
    return "-" if group.score is None or math.isnan(group.score.low) else interval(group.score)


def _cost(group: Group, cost: str) -> str:
    shown = price(group, cost)
    return shown if shown == "-" else shown + (FRONT if cost in group.front else " ")


def price(group: Group, cost: str) -> str:
    """Returns a cost, one of `COSTS`, without its unit: parameters, seconds, MiB; "-" if it is not known."""
    value = getattr(group, cost)
    if value is None:
        return "-"
    shown = {"trained": f"{value:,.0f}", "train_s": f"{value:,.1f}", "peak_mib": f"{value:,.0f}"}
    return shown.get(cost, f"{value / MIB:,.1f}")
