"""One target text per row."""

from nlptl.core import kinds
from nlptl.core.records import Column
from nlptl.data.fields import Fields
from nlptl.data.kinds.base import KindOf, Labels
from nlptl.data.texts import target_texts


class Text(KindOf[str]):
    """One target text per row."""

    facts = kinds.of("text")

    def read(self, fields: Fields, column: Column, name: str) -> Labels:
        """Returns the text of each row."""
        return target_texts(fields.table.cells(name)), []


KIND = Text()
