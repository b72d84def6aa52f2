"""What must hold of the splits before anything is trained on them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from nlptl.data.examples import is_blank, rows_shown
from nlptl.errors import InputError, nearest
from nlptl.records import Example


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


def check_classes(splits: Mapping[str, Sequence[Example]], where: Mapping[str, str]) -> None:
    """Raises `InputError` where train has a single class, or another split a label that train lacks.

    Args:
        splits: the examples by split.
        where: what messages call each split.
    """
    labels = {e.label for e in splits["train"] if e.label is not None}
    known = sorted(labels)
    if len(known) == 1:
        raise InputError(
            f"{where['train']}: all {len(splits['train'])} rows have the label {known[0]!r}; at least two labels are "
            "needed, check --data.label and --data.n_train"
        )
    for split, examples in splits.items():
        counts = Counter(e.label for e in examples if e.label is not None and e.label not in labels)
        if counts and known:
            named = ", ".join(f"{x!r} ({n} row{'s' * (n > 1)}){nearest(x, known)}" for x, n in counts.most_common(5))
            raise InputError(
                f"{where[split]}: found labels that train lacks in {sum(counts.values())} of {len(examples)} rows: "
                f"{named}; labels of {where['train']}: {', '.join(known[:20])}; "
                "correct them, or rename them with data.label_names"
            )
