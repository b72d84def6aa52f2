"""What is worth knowing of the labels: unknown ones, answers that are nowhere, and how often each occurs."""

import json
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence

from nlptl.core.bio import entities, type_of
from nlptl.core.records import Example, Finding, LabelSpace, Output
from nlptl.data.examples import rows_shown
from nlptl.data.labels import names_in
from nlptl.data.near import difference, near_key, shown

IMBALANCE = 10
"""Ratio of the largest class to the smallest that is a warning."""
SMALL_CLASS = 10
"""Training rows, or entities, below which a class is a warning."""
GROUPS_SHOWN = 5
"""Nearly equal labels listed in a message."""
ADVICE = {
    "class": "; look at macro F1 rather than accuracy, or set --train.class_weights balanced",
    "classes": "; look at macro F1 and at each label's own scores",
    "tags": "; look at each entity type's own scores",
}
"""What to do about uneven classes, by the kind of label."""

Splits = Mapping[str, Sequence[Example]]


def unseen_labels(splits: Splits, labels: LabelSpace, output: Output) -> list[Finding]:
    """Returns which rows have labels, or entity types, that the task does not know."""
    known = set(_names(labels, output))
    rows = {
        name: [e.row_id for e in examples if not known.issuperset(names_in(e.label, output))]
        for name, examples in splits.items()
    }
    what = "an entity type that training lacks" if output == "tags" else "a label that training lacks"
    return by_split("unseen_label", what, rows)


def near_labels(splits: Splits, labels: LabelSpace, output: Output) -> list[Finding]:
    """Returns which labels, or entity types, a reader would take for the same one, with how often each occurs."""
    if output not in ADVICE:
        return []
    groups: dict[str, list[str]] = {}
    for name in _names(labels, output):
        groups.setdefault(near_key(name), []).append(name)
    counts = Counter(x for rows in splits.values() for e in rows for x in _occurring(e, output))
    near = [sorted(group, key=lambda name: -counts[name]) for group in groups.values() if len(group) > 1]
    if not near:
        return []
    unit = "entities" if output == "tags" else "rows"
    shared = "; ".join(_group_shown(group, counts, unit) for group in near[:GROUPS_SHOWN])
    renaming = json.dumps({name: group[0] for group in near for name in group[1:]})
    message = (
        f"{len(near)} label{'s are' if len(near) > 1 else ' is'} written in several ways, each a class of its own: "
        f"{shared}; if they mean the same, set --data.label_names {shlex.quote(renaming)}"
    )
    n = sum(counts[name] for group in near for name in group[1:])
    details = {"counts": [{name: counts[name] for name in group} for group in near]}
    return [Finding("near_labels", message, n, "warning", details)]


def lost_answers(splits: Splits, output: Output) -> list[Finding]:
    """Returns which rows have an answer that their context does not hold."""
    if output != "span":
        return []
    rows = {name: [e.row_id for e in examples if _is_lost(e)] for name, examples in splits.items()}
    return by_split("repair", "an answer that the context does not hold", rows, "info")


def by_split(kind: str, what: str, rows: Mapping[str, list[int]], severity: str = "warning") -> list[Finding]:
    """Returns one finding that names the rows of each split, none where there are no rows."""
    rows = {name: ids for name, ids in rows.items() if ids}
    if not rows:
        return []
    parts = [f"{len(ids)} in {name} ({rows_shown(ids)})" for name, ids in rows.items()]
    n = sum(map(len, rows.values()))
    message = f"{n} row{'s have' if n > 1 else ' has'} {what}: {', '.join(parts)}"
    return [Finding(kind, message, n, severity, {"row_ids": rows})]


def balance(splits: Splits, labels: LabelSpace, output: Output) -> list[Finding]:
    """Returns how often each label occurs: rows by class or label, entities by type, or rows without an answer."""
    if output == "span":
        return _unanswered(splits)
    if output not in ADVICE:
        return []
    names = _names(labels, output)
    found = {split: Counter(x for e in rows for x in _occurring(e, output)) for split, rows in splits.items()}
    counts = {split: {name: n[name] for name in names} for split, n in found.items() if not n.keys().isdisjoint(names)}
    if "train" not in counts:
        return []
    # Several labels a row have shares of the rows, which add up to more than one.
    totals = {k: sum(n.values()) if output != "classes" else _n_labelled(splits[k]) for k, n in counts.items()}
    train, total = counts["train"], totals["train"]
    small, large = min(train, key=train.__getitem__), max(train, key=train.__getitem__)
    kind, unit = ("entity types", "entities") if output == "tags" else ("classes", "rows")
    message = f"{len(train)} {kind} in train: {_range(train, (small, large), total, unit)}"
    uneven = train[large] >= IMBALANCE * train[small] or train[small] < SMALL_CLASS
    if uneven:
        message += ADVICE[output]
    shares = {split: {name: n / totals[split] for name, n in c.items()} for split, c in counts.items()}
    severity = "warning" if uneven else "info"
    return [Finding("class_balance", message, total, severity, {"counts": counts, "shares": shares})]


def _unanswered(splits: Splits) -> list[Finding]:
    rows = {name: [e.row_id for e in examples if e.label == ()] for name, examples in splits.items()}
    n = sum(map(len, rows.values()))
    if not n:
        return []
    shares = {name: len(ids) / len(splits[name]) for name, ids in rows.items() if splits[name]}
    parts = [f"{len(rows[name])} in {name} ({share:.1%})" for name, share in shares.items()]
    message = f"{n} row{'s have' if n > 1 else ' has'} no answer: {', '.join(parts)}"
    return [Finding("class_balance", message, n, "info", {"row_ids": rows, "shares": shares})]


def _group_shown(group: Sequence[str], counts: Mapping[str, int], unit: str) -> str:
    why = difference(group)
    names = " and ".join(f"{shown(name, why)} ({counts[name]} {unit})" for name in group)
    return f"{names} differ in {why}"


def _names(labels: LabelSpace, output: Output) -> tuple[str, ...]:
    if output != "tags":
        return labels.names
    return tuple(dict.fromkeys(name for tag in labels.names if (name := type_of(tag)) is not None))


def _occurring(example: Example, output: Output) -> Sequence[str]:
    if output == "tags":
        return [entity.label for entity in entities(example.label or ())]
    return names_in(example.label, output)


def _n_labelled(examples: Sequence[Example]) -> int:
    return sum(e.label is not None for e in examples)


def _is_lost(example: Example) -> bool:
    return any(answer.start < 0 for answer in example.label or ())


def _range(counts: Mapping[str, int], ends: tuple[str, str], total: int, unit: str) -> str:
    small, large = ends
    if counts[small] == counts[large]:
        return f"{counts[small]} {unit} each ({counts[small] / total:.1%})"
    shown = [f"{label!r} ({counts[label]} {unit}, {counts[label] / total:.1%})" for label in ends]
    return f"from {' to '.join(shown)}"
