"""A tag for each word."""

from collections.abc import Mapping, Sequence

from nlptl.core import kinds
from nlptl.core.bio import entities, type_of, types_in
from nlptl.core.records import Column, Example, LabelSpace
from nlptl.data.bio import declared_bio, renamed_tag, to_bio
from nlptl.data.fields import Fields, needed
from nlptl.data.kinds.base import KindOf, Labels, Splits
from nlptl.data.tags import read_tags


class Tags(KindOf[tuple[str, ...]]):
    """A tag for each word; the names in a label are the entity types."""

    facts = kinds.of("tags")
    a_name = "an entity type"
    many = "entity types"
    advice = "; look at each entity type's own scores"
    how = "stratified by each row's rarest entity type"

    def read(self, fields: Fields, column: Column, name: str) -> Labels:
        """Returns the tags of each row as in the data; words are also split where entities begin or end."""
        cells = fields.table.cells(name)
        fields.words, tags, notes = read_tags(cells, needed(fields.words, "words", cells.where))
        return tags, notes

    def names_in(self, label: tuple[str, ...] | None) -> tuple[str, ...]:
        """Returns the entity types, sorted."""
        return types_in(label or ())

    def counted_in(self, label: tuple[str, ...] | None) -> Sequence[str]:
        """Returns the type of each entity."""
        return [entity.label for entity in entities(label or ())]

    def classes_in(self, label: tuple[str, ...] | None) -> Sequence[str]:
        """Returns the tags."""
        return label or ()

    def names_of(self, labels: LabelSpace) -> tuple[str, ...]:
        """Returns the entity types, in the order of their tags."""
        return tuple(dict.fromkeys(name for tag in labels.names if (name := type_of(tag)) is not None))

    def nameable(self, label: tuple[str, ...] | None) -> tuple[str, ...]:
        """Returns the entity types and the tags."""
        return (*self.names_in(label), *(label or ()))

    def renamed(self, label: tuple[str, ...], mapping: Mapping[str, str]) -> tuple[str, ...]:
        """Returns the tags, renamed themselves or by their entity type."""
        return self.renamed_names(label, mapping)

    def renamed_names(self, names: Sequence[str], mapping: Mapping[str, str]) -> tuple[str, ...]:
        """Returns the tags, renamed themselves or by their entity type."""
        return tuple(renamed_tag(tag, mapping) for tag in names)

    def uniform(self, splits: Splits) -> tuple[Mapping[str, Sequence[Example]], list[str]]:
        """Returns the examples with BIO tags, and notes on what was rewritten."""
        return to_bio(splits)

    def declared(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Returns all BIO tags of the declared entity types."""
        return declared_bio(names)

    def nothing_to_learn(self, train: Sequence[Example]) -> str | None:
        """Returns a message if no row has an entity."""
        if any(self.names_in(e.label) for e in train):
            return None
        return f"all {len(train)} rows have no entity (every word is tagged O); check --data.label and --data.n_train"


KIND = Tags()
