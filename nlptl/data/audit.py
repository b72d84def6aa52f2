"""What is worth knowing of the examples before training: blanks, leaks, contradictions, cuts and balance."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations

from nlptl.data.examples import is_blank, rows_shown
from nlptl.errors import InputError
from nlptl.records import SPLITS, Corpus, Example, Finding, LabelSpace

CUT_SHARE = 0.01
"""Share of a split's rows whose cutting is a warning."""
IMBALANCE = 10
"""Ratio of the largest class to the smallest that is a warning."""
SMALL_CLASS = 10
"""Training rows below which a class is a warning."""
GROUPS_KEPT = 50
"""Contradictory texts that the details list in full."""

Splits = Mapping[str, Sequence[Example]]
Key = tuple[str, str]


def audit(
    corpus: Corpus, full_lengths: Mapping[str, Sequence[int]], max_length: int, labels: LabelSpace
) -> list[Finding]:
    """Returns what was found, in a fixed order; an empty list means that there is nothing to tell.

    Args:
        corpus: the splits.
        full_lengths: by split, the tokens of each example before anything was cut, in the order of the examples.
        max_length: tokens that are kept of an example.
        labels: the classes of the task, in order.
    """
    splits = {name: corpus.splits[name] for name in SPLITS if name in corpus.splits}
    keys = {name: [_key(e) for e in examples] for name, examples in splits.items()}
    return [
        *_empty_texts(splits),
        *_unseen_labels(splits, labels),
        *_duplicates(splits, keys),
        *_conflicts(splits, keys),
        *_truncation(splits, full_lengths, max_length),
        *_class_balance(splits, labels),
    ]


def strict_error(findings: Sequence[Finding]) -> None:
    """Raises `InputError` with the warnings among the findings, if there are any."""
    warnings = [f.message for f in findings if f.severity == "warning"]
    if warnings:
        listed = "\n".join(f"  - {message}" for message in warnings)
        raise InputError(
            f"the audit found {len(warnings)} warning{'s' if len(warnings) > 1 else ''}, and data.audit is strict:\n"
            f"{listed}\nmend the data, or set --data.audit report"
        )


def _key(example: Example) -> Key:
    return example.text.strip(), (example.text_pair or "").strip()


def _empty_texts(splits: Splits) -> list[Finding]:
    rows = {name: [e.row_id for e in examples if is_blank(e)] for name, examples in splits.items()}
    return _by_split("empty_text", "a blank text", rows)


def _unseen_labels(splits: Splits, labels: LabelSpace) -> list[Finding]:
    known = {*labels.names, None}
    rows = {name: [e.row_id for e in examples if e.label not in known] for name, examples in splits.items()}
    return _by_split("unseen_label", "a label that training lacks", rows)


def _by_split(kind: str, what: str, rows: Mapping[str, list[int]]) -> list[Finding]:
    rows = {name: ids for name, ids in rows.items() if ids}
    if not rows:
        return []
    parts = [f"{len(ids)} in {name} ({rows_shown(ids)})" for name, ids in rows.items()]
    n = sum(map(len, rows.values()))
    message = f"{n} row{'s have' if n > 1 else ' has'} {what}: {', '.join(parts)}"
    return [Finding(kind, message, n, "warning", {"row_ids": rows})]


def _duplicates(splits: Splits, keys: Mapping[str, list[Key]]) -> list[Finding]:
    known = {name: set(texts) - {("", "")} for name, texts in keys.items()}
    findings = []
    for first, second in combinations(splits, 2):
        rows = [e.row_id for e, key in zip(splits[second], keys[second], strict=True) if key in known[first]]
        if rows:
            n_rows = len(splits[second])
            message = (
                f"{len(rows)} of {n_rows} {second} rows ({len(rows) / n_rows:.1%}) stand word for word in {first}, "
                f"apart from white space around them: {rows_shown(rows)}"
            )
            details = {"splits": [first, second], "row_ids": {second: rows}}
            findings.append(Finding("cross_split_duplicate", message, len(rows), "warning", details))
    return findings


def _conflicts(splits: Splits, keys: Mapping[str, list[Key]]) -> list[Finding]:
    first_label: dict[Key, str] = {}
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
    message = f"{len(conflicting)} texts stand with different labels, in {n} rows: {', '.join(parts)}"
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
                where.setdefault(key, []).append({"split": name, "row_id": e.row_id, "label": e.label})
    groups = list(where.items())[:GROUPS_KEPT]
    return rows, [{"text": text, "text_pair": pair, "rows": found} for (text, pair), found in groups]


def _truncation(splits: Splits, full_lengths: Mapping[str, Sequence[int]], max_length: int) -> list[Finding]:
    rows: dict[str, list[int]] = {}
    shares: dict[str, dict[str, object]] = {}
    for name, examples in splits.items():
        if name in full_lengths and examples:
            cut = [e for e, n in zip(examples, full_lengths[name], strict=True) if n > max_length]
            rows[name] = [e.row_id for e in cut]
            shares[name] = {"share": len(cut) / len(examples), "by_class": _shares_by_class(cut, examples)}
    n = sum(map(len, rows.values()))
    if not n:
        return []
    parts = [
        f"{len(ids)} in {k} ({len(ids) / len(splits[k]):.1%}; {rows_shown(ids)})" for k, ids in rows.items() if ids
    ]
    message = f"{n} rows are cut at {max_length} tokens: {', '.join(parts)}; a higher --model.max_length keeps more"
    much = any(len(ids) >= CUT_SHARE * len(splits[name]) for name, ids in rows.items())
    details = {"row_ids": rows, "shares": shares, "max_length": max_length}
    return [Finding("truncation", message, n, "warning" if much else "info", details)]


def _shares_by_class(cut: Sequence[Example], examples: Sequence[Example]) -> dict[str, float]:
    totals = Counter(e.label for e in examples)
    counts = Counter(e.label for e in cut)
    return {label: counts[label] / n for label, n in sorted(totals.items(), key=str) if label is not None}


def _class_balance(splits: Splits, labels: LabelSpace) -> list[Finding]:
    found = {name: Counter(e.label for e in examples if e.label is not None) for name, examples in splits.items()}
    counts = {name: {label: n[label] for label in labels.names} for name, n in found.items() if n}
    if "train" not in counts:
        return []
    train = counts["train"]
    small, large = min(train, key=train.__getitem__), max(train, key=train.__getitem__)
    total = sum(train.values())
    message = f"{len(train)} classes in train: {_range(train, small, large)}"
    uneven = train[large] >= IMBALANCE * train[small] or train[small] < SMALL_CLASS
    if uneven:
        message += "; look at macro F1 rather than accuracy, or set --train.class_weights balanced"
    shares = {name: {k: n / sum(c.values()) for k, n in c.items()} for name, c in counts.items()}
    return [
        Finding("class_balance", message, total, "warning" if uneven else "info", {"counts": counts, "shares": shares})
    ]


def _range(counts: Mapping[str, int], small: str, large: str) -> str:
    total = sum(counts.values())
    if counts[small] == counts[large]:
        return f"{counts[small]} rows each ({counts[small] / total:.1%})"
    ends = [f"{label!r} ({counts[label]} rows, {counts[label] / total:.1%})" for label in (small, large)]
    return f"from {' to '.join(ends)}"
