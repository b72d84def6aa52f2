"""Several labels per row."""

from collections.abc import Mapping, Sequence

from nlptl.core import kinds
from nlptl.core.records import Column, Example
from nlptl.data.classes import label_lists
from nlptl.data.fields import Fields
from nlptl.data.kinds.base import KindOf, Labels, all_same


class Classes(KindOf[tuple[str, ...]]):
    """Several labels per row."""

    facts = kinds.of("classes")
    advice = "; look at macro F1 and at each label's own scores"
    how = "stratified by each row's rarest label"

    def read(self, fields: Fields, column: Column, name: str) -> Labels:
        """Returns the labels of each row, sorted."""
        return label_lists(fields.table.cells(name), column.separator)

    def names_in(self, label: tuple[str, ...] | None) -> tuple[str, ...]:
        """Returns the labels."""
        return tuple(label or ())

    def n_counted(self, examples: Sequence[Example], counts: Mapping[str, int]) -> int:
        """Returns the number of labelled rows; shares of labels may add up to more than 1."""
        return sum(e.label is not None for e in examples)

    def renamed(self, label: tuple[str, ...], mapping: Mapping[str, str]) -> tuple[str, ...]:
        """Returns the renamed labels, each once."""
        return tuple(sorted(set(self.renamed_names(label, mapping))))

    def nothing_to_learn(self, train: Sequence[Example]) -> str | None:
        """Returns a message if all rows have the same labels."""
        if not all_same(train):
            return None
        first = train[0].label
        shown = f"the same labels ({', '.join(first)})" if first else "no label at all"
        return (
            f"all {len(train)} rows have {shown}; a label is needed that some rows have and others lack, check "
            "--data.label and --data.n_train"
        )


KIND = Classes()
