"""Divides training rows for cross-validation."""

from nlptl.core.errors import InputError
from nlptl.core.records import Example
from nlptl.data.checks import undivided
from nlptl.data.kinds.base import kind_of


def folds(rows: list[Example], output: str, n: int, seed: int) -> list[tuple[list[Example], list[Example]]]:
    """Returns divisions into rows to learn from and rows that are held out, one division a fold.

    A row is held out at most once. Every label is among the rows to learn from. Few rows give fewer folds.

    Args:
        rows: of training.
        output: the kind of answers.
        n: most folds; each holds out a share of 1 / n.
        seed: of the division.

    Raises:
        InputError: there are too few rows to hold any out.
    """
    kind = kind_of(output)
    parts = kind.divide(rows, {f"fold {i}": 1 / n for i in range(n)}, seed).parts
    parts.pop("train")  # single rows of a label, which are never held out
    if not parts["fold 0"]:
        raise InputError(undivided(kind, rows, "validation", "three or more rows of a label"))
    divided = []
    for held_out in map(set, filter(None, parts.values())):
        kept = [row for i, row in enumerate(rows) if i not in held_out]
        divided.append((kept, [rows[i] for i in sorted(held_out)]))
    return divided
