"""The audit before training: blank texts, leaks between splits, contradictions, truncation and class balance."""

from collections.abc import Mapping, Sequence
from itertools import combinations

from nlptl.core.errors import InputError
from nlptl.core.records import SPLITS, Corpus, Example, Finding, LabelSpace
from nlptl.data.conflicts import conflicts
from nlptl.data.examples import is_blank, key_of, rows_shown
from nlptl.data.findings import by_split
from nlptl.data.kinds.base import AnyKind, kind_of
from nlptl.data.label_audit import balance, near_labels, unseen_labels

CUT_SHARE = 0.01
"""Share of truncated rows in a split from which the finding is a warning."""

Splits = Mapping[str, Sequence[Example]]


def audit(
    corpus: Corpus,
    full_lengths: Mapping[str, Sequence[int]],
    max_length: int,
    labels: LabelSpace,
    *,
    output: str = "class",
) -> list[Finding]:
    """Returns the findings in a fixed order; an empty list if there are none.

    Args:
        corpus: the splits.
        full_lengths: by split, the number of tokens of each example before truncation.
        max_length: most tokens kept of an example.
        labels: the classes of the task, in order; for tags, the tags or the entity types.
        output: name of the kind of answers.
    """
    splits, kind = {name: corpus.splits[name] for name in SPLITS if name in corpus.splits}, kind_of(output)
    return [
        *_empty_texts(splits),
        *unseen_labels(splits, labels, kind),
        *near_labels(splits, labels, kind),
        *kind.lost(splits),
        *_duplicates(splits),
        *conflicts(splits, kind),
        *_truncation(splits, full_lengths, max_length, kind),
        *balance(splits, labels, kind),
        *kind.unanswered(splits),
    ]


def strict_error(findings: Sequence[Finding]) -> None:
    """Raises an InputError that lists the warnings among the findings, if there are any."""
    warnings = [f.message for f in findings if f.severity == "warning"]
    if warnings:
        listed = "\n".join(f"  - {message}" for message in warnings)
        raise InputError(
            f"the audit found {len(warnings)} warning{'s' if len(warnings) > 1 else ''}, and data.audit is strict:\n"
            f"{listed}\ncorrect the data, or set --data.audit report"
        )


def _empty_texts(splits: Splits) -> list[Finding]:
    rows = {name: [e.row_id for e in examples if is_blank(e)] for name, examples in splits.items()}
    return by_split("empty_text", "a blank text", rows)


def _duplicates(splits: Splits) -> list[Finding]:
    keys = {name: [key_of(e) for e in examples] for name, examples in splits.items()}
    known = {name: set(texts) - {("", "")} for name, texts in keys.items()}
    findings = []
    for first, second in combinations(splits, 2):
        rows = [e.row_id for e, key in zip(splits[second], keys[second], strict=True) if key in known[first]]
        if rows:
            n_rows = len(splits[second])
            message = (
                f"{len(rows)} of {n_rows} {second} rows ({len(rows) / n_rows:.1%}) are also in {first}, "
                f"ignoring white space around the text: {rows_shown(rows)}"
            )
            details = {"splits": [first, second], "row_ids": {second: rows}}
            findings.append(Finding("cross_split_duplicate", message, len(rows), "warning", details))
    return findings


def _truncation(
    splits: Splits, full_lengths: Mapping[str, Sequence[int]], max_length: int, kind: AnyKind
) -> list[Finding]:
    rows: dict[str, list[int]] = {}
    shares: dict[str, dict[str, object]] = {}
    for name, examples in splits.items():
        if name in full_lengths and examples:
            cut = [e for e, n in zip(examples, full_lengths[name], strict=True) if n > max_length]
            rows[name] = [e.row_id for e in cut]
            shares[name] = {"share": len(cut) / len(examples), **kind.cut_shares(cut, examples)}
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
