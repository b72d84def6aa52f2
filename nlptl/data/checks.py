"""Checks of the splits before training."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from nlptl.core.errors import InputError, nearest
from nlptl.core.records import Example
from nlptl.data.examples import is_blank, rows_shown
from nlptl.data.kinds.base import AnyKind

Splits = Mapping[str, Sequence[Example]]


def check_labelled(examples: Sequence[Example], where: str) -> None:
    """Raises an InputError if rows of a labelled split have no label."""
    missing = [e.row_id for e in examples if e.label is None]
    if missing:
        raise InputError(
            f"{where}: {len(missing)} of {len(examples)} rows have no label ({rows_shown(missing)}); "
            "label them or remove them"
        )


def without_blank(
    examples: Sequence[Example], where: str, blank: Literal["error", "drop", "keep"]
) -> tuple[list[Example], list[str]]:
    """Returns the examples that remain after applying `data.blank`, and notes on dropped or kept rows.

    Raises:
        InputError: a text is blank and `blank` is "error", or `blank` is "drop" and all texts are blank.
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
        raise InputError(f"{found}, so that no row is left; check --data.text")
    return kept, [f"{found}, dropped"]


def check_labels(kind: AnyKind, splits: Splits, where: Mapping[str, str]) -> None:
    """Raises an InputError if all labels of train are the same, or another split has a label that train lacks.

    Args:
        kind: the kind of answers.
        splits: the examples by split.
        where: the name of each split in messages.
    """
    train = [e for e in splits["train"] if e.label is not None]
    if not train:
        return
    problem = kind.nothing_to_learn(train)
    if problem:
        raise InputError(f"{where['train']}: {problem}")
    known = {name for e in train for name in kind.names_in(e.label)}
    for split, examples in splits.items():
        unknown = [new for e in examples if (new := set(kind.names_in(e.label)) - known)]
        if unknown:
            names = kind.facts.names if kind.facts is not None else None
            raise InputError(
                f"{where[split]}: {len(unknown)} of {len(examples)} rows have {names} that train lacks: "
                f"{_counted(unknown, known)}; {names} of {where['train']}: {', '.join(sorted(known)[:20])}; "
                "correct them, or rename them with data.label_names"
            )


def undivided(kind: AnyKind, examples: Sequence[Example], part: str, needs: str) -> str:
    """Returns why a split cannot be made from some rows, for a message.

    Args:
        kind: the kind of answers.
        examples: the rows.
        part: the split that would be empty.
        needs: what a split needs.
    """
    too_few = f"{len(examples)} rows are too few to split off {part}, which needs {needs}; give --data.{part}"
    return kind.wrong_column([e.label for e in examples], part) or too_few


def _counted(unknown: Sequence[set[str]], known: set[str]) -> str:
    counts = Counter(name for names in unknown for name in sorted(names))
    return ", ".join(f"{x!r} ({n} row{'s' * (n > 1)}){nearest(x, known)}" for x, n in counts.most_common(5))
