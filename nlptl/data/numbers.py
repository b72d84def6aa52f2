"""Numbers to predict."""

import math

from nlptl.core.errors import InputError
from nlptl.data.lists import shortened
from nlptl.data.near import NUMBER
from nlptl.data.table import Cells, is_missing

SHOWN = 3
"""Wrong targets listed in a message."""


def target_numbers(cells: Cells) -> list[float | None]:
    """Returns each target as a float, None where it is missing.

    Raises:
        InputError: some are not finite numbers; a decimal comma is no number, since it may part thousands as well.
    """
    numbers = [_number(value) for value in cells.values]
    wrong = [row for row, number in enumerate(numbers) if number is not None and not math.isfinite(number)]
    if wrong:
        shown = ", ".join(f"row {row} has {shortened(cells.values[row])}" for row in wrong[:SHOWN])
        raise InputError(
            f"{cells.where}: {len(wrong)} of {len(numbers)} rows have targets that are not numbers: {shown}; "
            "expected finite numbers such as 3.5, with a point: correct or remove them, or name another column with "
            "--data.label"
        )
    return numbers


def _number(value: object) -> float | None:
    """Returns not-a-number for what is none, and None for what is missing."""
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        value = value.item()
    if is_missing(value) or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, str):
        return float(value) if NUMBER.fullmatch(value.strip()) else math.nan
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
