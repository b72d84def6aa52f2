"""Reading and checking labels of any kind of answers; the file of a kind overrides what differs."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from nlptl.core import kinds
from nlptl.core.records import Column, Example, Finding, LabelSpace
from nlptl.data.division import Division, stratified
from nlptl.data.fields import Fields

L = TypeVar("L")
"""Type of a label, see `Example.label`."""
Labels = tuple[Sequence[object], Sequence[str]]
"""The label of each row, and notes."""
Splits = Mapping[str, Sequence[Example]]


class KindOf(Generic[L]):
    """The defaults for all kinds of answers."""

    facts: ClassVar[kinds.Kind | None] = None
    """The kind's record; None if the data has no labels."""
    a_name: ClassVar[str] = "a label"
    """A word for one name in a label, for messages."""
    many: ClassVar[str] = "classes"
    """A word for several names, for messages."""
    advice: ClassVar[str] = ""
    """Advice if some names are much rarer than others."""
    how: ClassVar[str] = "at random"
    """How rows are divided into splits, for the note."""

    def read(self, fields: Fields, column: Column, name: str) -> Labels:
        """Returns the labels of a column.

        Args:
            fields: the fields read before: texts and words.
            column: the task's description of the column.
            name: the name of the table's column.

        Raises:
            InputError: a value is not of this kind.
        """
        raise NotImplementedError

    def names_in(self, label: L | None) -> tuple[str, ...]:
        """Returns the names in a label: its classes, or the entity types of its tags."""
        return ()

    def counted_in(self, label: L | None) -> Sequence[str]:
        """Returns one name per counted unit of a label, such as the type of each entity."""
        return self.names_in(label)

    def classes_in(self, label: L | None) -> Sequence[str]:
        """Returns the model's classes in a label; for tags, the tags."""
        return self.names_in(label)

    def names_of(self, labels: LabelSpace) -> tuple[str, ...]:
        """Returns the names in a model's label space."""
        return labels.names

    def n_counted(self, examples: Sequence[Example], counts: Mapping[str, int]) -> int:
        """Returns the total for the shares of names: the number of rows or units."""
        return sum(counts.values())

    def nameable(self, label: L | None) -> tuple[str, ...]:
        """Returns all parts of a label that `data.label_names` can rename."""
        return self.names_in(label)

    def renamed(self, label: L, mapping: Mapping[str, str]) -> object:
        """Returns a label (not None) with renamed names; names without a new one stay."""
        return mapping.get(label, label) if isinstance(label, str) else label

    def renamed_names(self, names: Sequence[str], mapping: Mapping[str, str]) -> tuple[str, ...]:
        """Returns the new names; a name without a new one stays."""
        return tuple(mapping.get(name, name) for name in names)

    def uniform(self, splits: Splits) -> tuple[Mapping[str, Sequence[Example]], list[str]]:
        """Returns the examples with labels in one form, and notes on what was rewritten.

        Args:
            splits: the examples by the name of their split in messages.
        """
        return splits, []

    def declared(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Returns the names that a source declares, in the form of `uniform`."""
        return names

    def nothing_to_learn(self, train: Sequence[Example]) -> str | None:
        """Returns why nothing can be learned from labelled rows; None if something can."""
        return None

    def wrong_column(self, labels: Sequence[object], part: str) -> str | None:
        """Returns why the label column seems to be the wrong one; None if it does not.

        Args:
            labels: the labels of rows that cannot be divided.
            part: the split that would be empty.
        """
        return None

    def divide(self, examples: Sequence[Example], shares: Mapping[str, float], seed: int) -> Division:
        """Divides the rows of a single split.

        Args:
            examples: the rows.
            shares: the share of all rows, from 0 to 1, for each part except train.
            seed: the same seed gives the same parts.
        """
        return stratified([self.names_in(e.label) for e in examples], shares, seed, self.how)

    def lost(self, splits: Splits) -> list[Finding]:
        """Returns a finding on rows whose text does not contain the answer."""
        return []

    def unanswered(self, splits: Splits) -> list[Finding]:
        """Returns a finding on rows without an answer."""
        return []

    def cut_shares(self, cut: Sequence[Example], examples: Sequence[Example]) -> dict[str, object]:
        """Returns further facts for the audit about truncated rows."""
        return {}


AnyKind = KindOf[Any]
"""A kind that is known only at run time."""


def all_same(examples: Sequence[Example]) -> bool:
    """Returns whether all rows have the same label."""
    return all(e.label == examples[0].label for e in examples)


def kind_of(output: str | None) -> AnyKind:
    """Returns the code of this room for a kind of answers.

    Args:
        output: the kind's name; None if the data has no labels.
    """
    kind: AnyKind = AnyKind() if output is None else kinds.part("nlptl.data.kinds", output).KIND
    return kind
