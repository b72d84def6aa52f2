"""One number per row."""

from collections.abc import Sequence

from nlptl.core import kinds
from nlptl.core.records import Column, Example
from nlptl.data.fields import Fields
from nlptl.data.kinds.base import KindOf, Labels, all_same
from nlptl.data.numbers import target_numbers


class Number(KindOf[float]):
    """One number per row."""

    facts = kinds.of("number")

    def read(self, fields: Fields, column: Column, name: str) -> Labels:
        """Returns the number of each row."""
        return target_numbers(fields.table.cells(name)), []

    def nothing_to_learn(self, train: Sequence[Example]) -> str | None:
        """Returns a message if all rows have the same number."""
        if not all_same(train):
            return None
        return (
            f"all {len(train)} rows have the number {train[0].label}; different numbers are needed, check "
            "--data.label and --data.n_train"
        )


KIND = Number()
