"""Records of the same case and seed, compared."""

from __future__ import annotations

from typing import Any

from cases import Target, measure

Record = dict[str, Any]


def by_seed(records: list[Record], case: str, system: str) -> dict[int, Record]:
    """Returns a system's records of a case that succeeded, by seed."""
    return {r["seed"]: r for r in records if (r["case"], r["system"], r["status"]) == (case, system, "ok")}


def compared(target: Target, records: list[Record]) -> list[float]:
    """Returns a target's number for every seed for which all of it was measured, on one kind of machine."""
    own = by_seed(records, target.case, target.system)
    if target.other is None:
        return [measure(r, target.measure) for r in own.values()]
    values = [(measure(a, target.measure), measure(b, target.measure)) for a, b in pairs(own, records, target.other)]
    return [a / b if target.how == "ratio" else a - b for a, b in values]


def pairs(own: dict[int, Record], records: list[Record], other: tuple[str, str]) -> list[tuple[Record, Record]]:
    """Returns records beside those of another case or system with the same seed, on one kind of machine.

    Args:
        own: by seed.
        records: all.
        other: case and system.
    """
    others = by_seed(records, *other)
    return [(own[s], others[s]) for s in own if s in others and _computed(own[s]) == _computed(others[s])]


def _computed(record: Record) -> tuple[str, str | None]:
    """Returns what computed a record."""
    return record["cpu"], record.get("gpu")
