"""What must hold of the splits before anything is trained on them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from nlptl.core.errors import InputError, nearest
from nlptl.core.records import Example, Output
from nlptl.data.examples import SHOWN, is_blank, rows_shown
from nlptl.data.labels import names_in

MANY = 10
"""Rows from which on labels that all differ are taken for a wrong column."""

Splits = Mapping[str, Sequence[Example]]


def check_labelled(examples: Sequence[Example], where: str) -> None:
    """Raises `InputError` where rows of a labelled split have no label."""
    missing = [e.row_id for e in examples if e.label is None]
    if missing:
        raise InputError(
            f"{where}: {len(missing)} of {len(examples)} rows have no label ({rows_shown(missing)}); "
            "label them or remove them"
        )


def without_blank(
    examples: Sequence[Example], where: str, blank: Literal["error", "drop", "keep"]
) -> tuple[list[Example], list[str]]:
    """Returns the examples that `data.blank` leaves, and notes on what was dropped or kept.

    Raises:
        InputError: some texts are blank and `blank` is "error", or all are.
    """
    rows = [e.row_id for e in examples if is_blank(e)]
    if not rows:
        return list(examples), []
    found = f"{where}: {len(rows)} of {len(examples)} rows have a blank text ({rows_shown(rows)})"
    if blank == "error":
        raise InputError(f"{found}; fill or remove them, or set --data.blank drop|keep")
    if blank == "keep":
        return list(examples), [f"{found}, kept"]
    kept = [e for e in examples if not is_blank(e)]
    if not kept:
        raise InputError(f"{found}, which leaves none; check --data.text")
    return kept, [f"{found}, dropped"]


def check_labels(output: Output | None, splits: Splits, where: Mapping[str, str]) -> None:
    """Raises `InputError` where train has nothing to tell apart, or another split a label that train lacks.

    Args:
        output: the kind of label.
        splits: the examples by split.
        where: what messages call each split.
    """
    train = [e for e in splits["train"] if e.label is not None]
    if not train:
        return
    problem = _nothing_to_learn(output, train)
    if problem:
        raise InputError(f"{where['train']}: {problem}")
    known = {name for e in train for name in names_in(e.label, output)}
    for split, examples in splits.items():
        unknown = [new for e in examples if (new := set(names_in(e.label, output)) - known)]
        if unknown:
            kind = "entity types" if output == "tags" else "labels"
            raise InputError(
                f"{where[split]}: found {kind} that train lacks in {len(unknown)} of {len(examples)} rows: "
                f"{_counted(unknown, known)}; {kind} of {where['train']}: {', '.join(sorted(known)[:20])}; "
                "correct them, or rename them with data.label_names"
            )


def undivided(output: Output | None, examples: Sequence[Example], part: str, needs: str) -> str:
    """Returns why no part can be divided off some rows, for a message.

    Args:
        output: the kind of label.
        examples: the rows.
        part: the split that stays empty.
        needs: what it takes.
    """
    labels = [e.label for e in examples]
    if output == "class" and len(set(labels)) == len(labels) >= MANY:
        shown = ", ".join(map(repr, labels[:SHOWN]))
        return (
            f"each of the {len(labels)} rows has a label of its own ({shown}, ...), so {part} would have labels that "
            "train lacks; is --data.label the right column? The task regression predicts numbers, text2text texts"
        )
    return f"{len(labels)} rows are too few to divide off {part}, which takes {needs}; give --data.{part}"


def _nothing_to_learn(output: Output | None, train: Sequence[Example]) -> str | None:
    n = f"all {len(train)} rows have"
    first = train[0].label
    same = all(e.label == first for e in train)
    if output == "class" and same:
        return f"{n} the label {first!r}; at least two labels are needed, check --data.label and --data.n_train"
    if output == "classes" and same:
        shown = f"the same labels ({', '.join(first)})" if first else "no label at all"
        return f"{n} {shown}; one is needed that some have and others lack, check --data.label and --data.n_train"
    if output == "number" and same:
        return f"{n} the number {first}; numbers that differ are needed, check --data.label and --data.n_train"
    if output == "tags" and not any(names_in(e.label, output) for e in train):
        return f"{n} no entity, every word is tagged O; check --data.label and --data.n_train"
    if output == "span" and not any(answer.start >= 0 for e in train for answer in e.label):
        return f"{n} no answer in their context; check --data.context, --data.answers and --data.n_train"
    return None


def _counted(unknown: Sequence[set[str]], known: set[str]) -> str:
    counts = Counter(name for names in unknown for name in sorted(names))
    return ", ".join(f"{x!r} ({n} row{'s' * (n > 1)}){nearest(x, known)}" for x, n in counts.most_common(5))
