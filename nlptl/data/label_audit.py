"""The audit of labels: unknown labels, nearly equal labels, and class balance."""

import json
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence

from nlptl.core.records import Example, Finding, LabelSpace
from nlptl.data.findings import by_split
from nlptl.data.kinds.base import AnyKind
from nlptl.data.near import difference, near_key, shown

IMBALANCE = 10
"""Ratio of the largest to the smallest class from which there is a warning."""
SMALL_CLASS = 10
"""Classes with fewer training rows (or entities) are a warning."""
GROUPS_SHOWN = 5
"""Most groups of nearly equal labels listed in a message."""

Splits = Mapping[str, Sequence[Example]]


def unseen_labels(splits: Splits, labels: LabelSpace, kind: AnyKind) -> list[Finding]:
    """Returns a finding on rows with labels or entity types that are not in the label space."""
    known = set(kind.names_of(labels))
    rows = {
        name: [e.row_id for e in examples if not known.issuperset(kind.names_in(e.label))]
        for name, examples in splits.items()
    }
    return by_split("unseen_label", f"{kind.a_name} that training lacks", rows)


def near_labels(splits: Splits, labels: LabelSpace, kind: AnyKind) -> list[Finding]:
    """Returns a finding on labels (or entity types) that differ only in case, blanks or the like, with their counts."""
    if kind.facts is None or kind.facts.names is None:
        return []
    groups: dict[str, list[str]] = {}
    for name in kind.names_of(labels):
        groups.setdefault(near_key(name), []).append(name)
    counts = Counter(x for rows in splits.values() for e in rows for x in kind.counted_in(e.label))
    near = [sorted(group, key=lambda name: -counts[name]) for group in groups.values() if len(group) > 1]
    if not near:
        return []
    shared = "; ".join(_group_shown(group, counts, kind.facts.unit) for group in near[:GROUPS_SHOWN])
    renaming = json.dumps({name: group[0] for group in near for name in group[1:]})
    message = (
        f"{len(near)} label{'s are' if len(near) > 1 else ' is'} written in several ways, each a separate class: "
        f"{shared}; if they mean the same, set --data.label_names {shlex.quote(renaming)}"
    )
    n = sum(counts[name] for group in near for name in group[1:])
    details = {"counts": [{name: counts[name] for name in group} for group in near]}
    return [Finding("near_labels", message, n, "warning", details)]


def balance(splits: Splits, labels: LabelSpace, kind: AnyKind) -> list[Finding]:
    """Returns a finding on how often each label occurs: rows by class or label, entities by type."""
    if kind.facts is None or kind.facts.names is None:
        return []
    names = kind.names_of(labels)
    every = {split: Counter(x for e in rows for x in kind.counted_in(e.label)) for split, rows in splits.items()}
    counts = {split: {name: n[name] for name in names} for split, n in every.items() if not n.keys().isdisjoint(names)}
    if "train" not in counts:
        return []
    totals = {split: kind.n_counted(splits[split], n) for split, n in counts.items()}
    train, total = counts["train"], totals["train"]
    small, large = min(train, key=train.__getitem__), max(train, key=train.__getitem__)
    message = f"{len(train)} {kind.many} in train: {_range(train, (small, large), total, kind.facts.unit)}"
    uneven = train[large] >= IMBALANCE * train[small] or train[small] < SMALL_CLASS
    if uneven:
        message += kind.advice
    shares = {split: {name: n / totals[split] for name, n in c.items()} for split, c in counts.items()}
    severity = "warning" if uneven else "info"
    return [Finding("class_balance", message, total, severity, {"counts": counts, "shares": shares})]


def _group_shown(group: Sequence[str], counts: Mapping[str, int], unit: str) -> str:
    why = difference(group)
    names = " and ".join(f"{shown(name, why)} ({counts[name]} {unit})" for name in group)
    return f"{names} differ in {why}"


def _range(counts: Mapping[str, int], ends: tuple[str, str], total: int, unit: str) -> str:
    small, large = ends
    if counts[small] == counts[large]:
        return f"{counts[small]} {unit} each ({counts[small] / total:.1%})"
    shown = [f"{label!r} ({counts[label]} {unit}, {counts[label] / total:.1%})" for label in ends]
    return f"from {' to '.join(shown)}"
