"""The tables of a suite that has many data sets: a line for each, a column for each system, and mean differences."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean
from typing import NamedTuple

from cases import MEASURES, Case, Pair, measure
from comparing import Record, by_seed, pairs
from markdown import table

NOTHING = "-"
OTHERS = "the best of the others"
WHOLE = "search_s"
"""The seconds of a whole search, if the record has them: its command may have found a part of it done."""


class Difference(NamedTuple):
    """A system's mean over seeds minus another's, in one case."""

    value: float
    case: str


def tables(records: list[Record], cases: Sequence[Case], compared: Sequence[Pair]) -> list[str]:
    """Returns two tables as Markdown: every system's scores in each case, and the differences over all cases.

    Args:
        records: of the suite.
        cases: of the suite, in their order.
        compared: which systems are compared.
    """
    names, measures = list(dict.fromkeys(case.name for case in cases)), cases[0].measures
    systems = list(dict.fromkeys(case.system for case in cases))
    n_seeds = len({record["seed"] for record in records})
    measured = [name for name in names if any(record["case"] == name for record in records)]
    rows = [[name, *(_scores(records, name, system, measures, n_seeds) for system in systems)] for name in measured]
    shown = " / ".join(MEASURES[name] for name in measures)
    return [
        f"Means over the seeds: {shown}; in brackets the number of seeds, if a system lacks some.\n",
        table(("case", *systems), rows),
        _differences(records, measured, measures, compared),
        f"Differences are the system's mean minus the other's; {MEASURES['total_s']} is the ratio of the two sums, "
        "a search as a whole.\n",
    ]


def _scores(records: list[Record], case: str, system: str, measures: Sequence[str], n_seeds: int) -> str:
    every = [r for r in records if (r["case"], r["system"]) == (case, system)]
    found = [r for r in every if r["status"] == "ok"]
    if not found:
        return "failed" if every else NOTHING
    text = " / ".join(f"{mean(measure(r, name) for r in found):.3f}" for name in measures)
    return text if len(found) == n_seeds else f"{text} ({len(found)})"


def _differences(records: list[Record], cases: Sequence[str], measures: Sequence[str], compared: Sequence[Pair]) -> str:
    header = ["system", "minus"]
    for name in measures:
        header += [f"{MEASURES[name]}: mean", "worst"]
    rows = []
    for pair in compared:
        found = {name: differences(records, cases, name, pair) for name in measures}
        cells = [text for name in measures for text in _mean_and_worst(found[name])]
        n_cases = str(len(found[measures[0]]))
        rows.append([pair.system, pair.other or OTHERS, *cells, _ratio(records, cases, pair), n_cases])
    return table([*header, MEASURES["total_s"], "cases"], rows)


def differences(records: list[Record], cases: Sequence[str], name: str, pair: Pair) -> list[Difference]:
    """Returns a measure's difference in every case that both systems have, over the seeds that both have.

    Args:
        records: of the suite.
        cases: their names.
        name: of the measure.
        pair: the systems.
    """
    systems = {r["system"] for r in records} - {pair.system} if pair.other is None else {pair.other}
    found = []
    for case in cases:
        own = by_seed(records, case, pair.system)
        both = [pairs(own, records, (case, other)) for other in systems]
        values = [mean(measure(a, name) - measure(b, name) for a, b in some) for some in both if some]
        found += [Difference(min(values), case)] if values else []  # the best of the others leaves the smallest
    return found


def _mean_and_worst(found: list[Difference]) -> tuple[str, str]:
    if not found:
        return NOTHING, NOTHING
    worst = min(found)
    return f"{mean(d.value for d in found):+.4f}", f"{worst.value:+.4f} ({worst.case})"


def _ratio(records: list[Record], cases: Sequence[str], pair: Pair) -> str:
    if pair.other is None:
        return NOTHING
    found = [pairs(by_seed(records, case, pair.system), records, (case, pair.other)) for case in cases]
    seconds = [(mean(_seconds(a) for a, _ in some), mean(_seconds(b) for _, b in some)) for some in found if some]
    return f"{sum(a for a, _ in seconds) / sum(b for _, b in seconds):.2f}" if seconds else NOTHING


def _seconds(record: Record) -> float:
    return measure(record, WHOLE if WHOLE in record["metrics"] else "total_s")
