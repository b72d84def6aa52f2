"""Reads target numbers."""

import math

from nlptl.core.errors import InputError
from nlptl.data.lists import shortened
from nlptl.data.near import NUMBER
from nlptl.data.table import Cells, is_missing

SHOWN = 3
"""Most wrong targets listed in a message."""


def target_numbers(cells: Cells) -> list[float | None]:
    """Returns each target as a float; None if it is missing.

    Raises:
        InputError: a target is not a finite number; decimal commas are refused, as commas may separate thousands.
    """
    numbers = [_number(value) for value in cells.values]
    wrong = [row for row, number in enumerate(numbers) if number is not None and not math.isfinite(number)]
    if wrong:
        shown = ", ".join(f"row {row} has {shortened(cells.values[row])}" for row in wrong[:SHOWN])
        raise InputError(
            f"{cells.where}: {len(wrong)} of {len(numbers)} rows have targets that are not numbers: {shown}; "
            "expected finite numbers with a decimal point, such as 3.5: correct or remove them, or name another column "
            "with --data.label"
        )
    return numbers


def _number(value: object) -> float | None:
    """Returns a value as float: NaN if it is not a number, None if it is missing."""
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        value = value.item()
    if is_missing(value) or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, str):
        return float(value) if NUMBER.fullmatch(value.strip()) else math.nan
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
