"""One label per row."""

from collections import Counter
from collections.abc import Sequence

from nlptl.core import kinds
from nlptl.core.records import Column, Example
from nlptl.data.examples import SHOWN
from nlptl.data.fields import Fields
from nlptl.data.kinds.base import KindOf, Labels, all_same
from nlptl.data.labels import label_names

MANY = 10
"""If so many rows or more all have different labels, the column is probably wrong."""


class Class(KindOf[str]):
    """One label per row."""

    facts = kinds.of("class")
    advice = "; look at macro F1 rather than accuracy, or set --train.class_weights balanced"
    how = "stratified by label"

    def read(self, fields: Fields, column: Column, name: str) -> Labels:
        """Returns the label of each row."""
        cells = fields.table.cells(name)
        return label_names(cells.values, cells.where), []

    def names_in(self, label: str | None) -> tuple[str, ...]:
        """Returns the label."""
        return () if label is None else (label,)

    def classes_in(self, label: str | None) -> Sequence[str]:
        """Returns the label as the model writes it."""
        return (str(label),)

    def nothing_to_learn(self, train: Sequence[Example]) -> str | None:
        """Returns a message if all rows have the same label."""
        if not all_same(train):
            return None
        return (
            f"all {len(train)} rows have the label {train[0].label!r}; at least two labels are needed, check "
            "--data.label and --data.n_train"
        )

    def wrong_column(self, labels: Sequence[object], part: str) -> str | None:
        """Returns a message if no two of ten or more rows have the same label."""
        if not len(set(labels)) == len(labels) >= MANY:
            return None
        shown = ", ".join(map(repr, labels[:SHOWN]))
        return (
            f"all {len(labels)} rows have different labels ({shown}, ...), so {part} would have labels that "
            "train lacks; is --data.label the right column? The task regression predicts numbers, text2text texts"
        )

    def cut_shares(self, cut: Sequence[Example], examples: Sequence[Example]) -> dict[str, object]:
        """Returns the share of truncated rows by class."""
        totals = Counter(e.label for e in examples)
        counts = Counter(e.label for e in cut)
        shares = {label: counts[label] / n for label, n in sorted(totals.items(), key=str) if label is not None}
        return {"by_class": shares}


KIND = Class()
