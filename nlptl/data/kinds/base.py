"""What data does with answers of any kind; the file of a kind overrides what differs."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from nlptl.core import kinds
from nlptl.core.records import Column, Example, Finding, LabelSpace
from nlptl.data.division import Division, stratified
from nlptl.data.fields import Fields

L = TypeVar("L")
"""What a label is, as `Example.label` says."""
Labels = tuple[Sequence[object], Sequence[str]]
"""The label of each row, and notes."""
Splits = Mapping[str, Sequence[Example]]


class KindOf(Generic[L]):
    """Answers of no kind in particular: what holds if a kind says nothing else."""

    facts: ClassVar[kinds.Kind | None] = None
    """Its record; None if the data has no labels."""
    a_name: ClassVar[str] = "a label"
    """One of the names, for messages."""
    many: ClassVar[str] = "classes"
    """Several names, for messages."""
    advice: ClassVar[str] = ""
    """What to do if some names are much rarer than others."""
    how: ClassVar[str] = "at random"
    """How rows are divided."""

    def read(self, fields: Fields, column: Column, name: str) -> Labels:
        """Returns the labels of a column.

        Args:
            fields: what was read before: the texts and words.
            column: the task's.
            name: the table's column.

        Raises:
            InputError: a value is not of this kind.
        """
        raise NotImplementedError

    def names_in(self, label: L | None) -> tuple[str, ...]:
        """Returns the names that a label consists of: its classes, or the entity types of its tags."""
        return ()

    def counted_in(self, label: L | None) -> Sequence[str]:
        """Returns the name of each thing that is counted in a label, such as each entity's."""
        return self.names_in(label)

    def classes_in(self, label: L | None) -> Sequence[str]:
        """Returns the classes of the model that a label consists of: of tags, the tags."""
        return self.names_in(label)

    def names_of(self, labels: LabelSpace) -> tuple[str, ...]:
        """Returns the names that a model knows."""
        return labels.names

    def n_counted(self, examples: Sequence[Example], counts: Mapping[str, int]) -> int:
        """Returns what the shares of names are shares of."""
        return sum(counts.values())

    def nameable(self, label: L | None) -> tuple[str, ...]:
        """Returns everything in a label that `data.label_names` can rename."""
        return self.names_in(label)

    def renamed(self, label: L, mapping: Mapping[str, str]) -> object:
        """Returns a label, not None, under its new names; names without one stay."""
        return mapping.get(label, label) if isinstance(label, str) else label

    def renamed_names(self, names: Sequence[str], mapping: Mapping[str, str]) -> tuple[str, ...]:
        """Returns names as they are called now; those without a new name stay."""
        return tuple(mapping.get(name, name) for name in names)

    def uniform(self, splits: Splits) -> tuple[Mapping[str, Sequence[Example]], list[str]]:
        """Returns the examples with labels in one form, and notes on what was rewritten.

        Args:
            splits: the examples by what messages call their split.
        """
        return splits, []

    def declared(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Returns the names that a source declares, in that form."""
        return names

    def nothing_to_learn(self, train: Sequence[Example]) -> str | None:
        """Returns why nothing can be learnt from labelled rows, None if something can."""
        return None

    def wrong_column(self, labels: Sequence[object], part: str) -> str | None:
        """Returns why rows that cannot be divided look like rows with another column as the label.

        Args:
            labels: of the rows.
            part: the split that would stay empty.
        """
        return None

    def divide(self, examples: Sequence[Example], shares: Mapping[str, float], seed: int) -> Division:
        """Returns the parts of a lone split.

        Args:
            examples: the rows.
            shares: the share of all rows, from 0 to 1, for each part besides train.
            seed: the same seed gives the same parts.
        """
        return stratified([self.names_in(e.label) for e in examples], shares, seed, self.how)

    def lost(self, splits: Splits) -> list[Finding]:
        """Returns which rows have an answer that their text does not hold."""
        return []

    def unanswered(self, splits: Splits) -> list[Finding]:
        """Returns which rows have no answer."""
        return []

    def cut_shares(self, cut: Sequence[Example], examples: Sequence[Example]) -> dict[str, object]:
        """Returns what the audit says of rows that are cut, beside their share."""
        return {}


AnyKind = KindOf[Any]
"""A kind that is known only when a run is."""


def all_same(examples: Sequence[Example]) -> bool:
    """Returns whether all rows have the label of the first."""
    return all(e.label == examples[0].label for e in examples)


def kind_of(output: str | None) -> AnyKind:
    """Returns what data does with a kind of answers.

    Args:
        output: the kind's name; None if the data has no labels.
    """
    found: AnyKind = AnyKind() if output is None else kinds.part("nlptl.data.kinds", output).KIND
    return found
