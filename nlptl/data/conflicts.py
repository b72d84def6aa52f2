"""Equal texts with different labels."""

from collections.abc import Mapping, Sequence

from nlptl.core.records import Example, Finding
from nlptl.data.examples import key_of, rows_shown
from nlptl.data.kinds.base import AnyKind

GROUPS_KEPT = 50
"""Most contradictory texts listed in the details."""

Splits = Mapping[str, Sequence[Example]]
Key = tuple[str, str]


def conflicts(splits: Splits, kind: AnyKind) -> list[Finding]:
    """Returns a finding if equal texts have different labels; only for kinds with one answer per row.

    Args:
        splits: the examples by split.
        kind: the kind of answers.
    """
    if kind.facts is None or not kind.facts.by_row:
        return []
    keys = {name: [key_of(e) for e in examples] for name, examples in splits.items()}
    first_label: dict[Key, object] = {}
    conflicting: set[Key] = set()
    for name, examples in splits.items():
        for e, key in zip(examples, keys[name], strict=True):
            if e.label is not None and key != ("", "") and first_label.setdefault(key, e.label) != e.label:
                conflicting.add(key)
    if not conflicting:
        return []
    rows, groups = _conflict_rows(splits, keys, conflicting)
    n = sum(map(len, rows.values()))
    parts = [f"{len(ids)} in {name} ({rows_shown(ids)})" for name, ids in rows.items()]
    message = f"{len(conflicting)} texts have different labels, in {n} rows: {', '.join(parts)}"
    return [Finding("conflicting_labels", message, n, "warning", {"row_ids": rows, "texts": groups})]


def _conflict_rows(
    splits: Splits, keys: Mapping[str, list[Key]], conflicting: set[Key]
) -> tuple[dict[str, list[int]], list[dict[str, object]]]:
    rows: dict[str, list[int]] = {}
    where: dict[Key, list[dict[str, object]]] = {}
    for name, examples in splits.items():
        for e, key in zip(examples, keys[name], strict=True):
            if e.label is not None and key in conflicting:
                rows.setdefault(name, []).append(e.row_id)
                where.setdefault(key, []).append({"split": name, "row_id": e.row_id, "label": _as_json(e.label)})
    groups = list(where.items())[:GROUPS_KEPT]
    return rows, [{"text": text, "text_pair": pair, "rows": places} for (text, pair), places in groups]


def _as_json(label: object) -> object:
    return list(label) if isinstance(label, tuple) else label
