"""What must hold of the splits before anything is trained on them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from nlptl.core.errors import InputError, nearest
from nlptl.core.records import Example
from nlptl.data.examples import is_blank, rows_shown
from nlptl.data.kinds.base import AnyKind

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


def check_labels(kind: AnyKind, splits: Splits, where: Mapping[str, str]) -> None:
    """Raises `InputError` where train has nothing to tell apart, or another split a label that train lacks.

    Args:
        kind: of label.
        splits: the examples by split.
        where: what messages call each split.
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
                f"{where[split]}: found {names} that train lacks in {len(unknown)} of {len(examples)} rows: "
                f"{_counted(unknown, known)}; {names} of {where['train']}: {', '.join(sorted(known)[:20])}; "
                "correct them, or rename them with data.label_names"
            )


def undivided(kind: AnyKind, examples: Sequence[Example], part: str, needs: str) -> str:
    """Returns why no part can be divided off some rows, for a message.

    Args:
        kind: of label.
        examples: the rows.
        part: the split that stays empty.
        needs: what it takes.
    """
    too_few = f"{len(examples)} rows are too few to divide off {part}, which takes {needs}; give --data.{part}"
    return kind.wrong_column([e.label for e in examples], part) or too_few


def _counted(unknown: Sequence[set[str]], known: set[str]) -> str:
    counts = Counter(name for names in unknown for name in sorted(names))
    return ", ".join(f"{x!r} ({n} row{'s' * (n > 1)}){nearest(x, known)}" for x, n in counts.most_common(5))
