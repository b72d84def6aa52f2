"""BIO tags and the entities that they mark (Ramshaw and Marcus 1995, section 4).

Tags are read as conlleval reads them (Tjong Kim Sang and De Meulder 2003): an I-x without an x before it begins an x.
The prefixes of IOBES and BILOU are read too: E and L end an entity; S and U mark an entity of one word.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

OUTSIDE = "O"
TAG = re.compile(r"([BIELSU])-(.+)", re.DOTALL)
BEGINS, CLOSES = "BSU", "ELSU"


class Entity(NamedTuple):
    """Consecutive words that form one entity."""

    label: str
    """Entity type, such as "PER"."""
    first: int
    """Index of the first word."""
    last: int
    """Index of the last word."""


def type_of(tag: str) -> str | None:
    """Returns the entity type of a tag: "PER" of "B-PER", None of "O"; a tag without a prefix is its own type."""
    match = TAG.fullmatch(tag)
    return match.group(2) if match else (None if tag == OUTSIDE else tag)


def types_in(tags: Iterable[str]) -> tuple[str, ...]:
    """Returns the entity types that the tags name, sorted."""
    return tuple(sorted({name for tag in set(tags) if (name := type_of(tag)) is not None}))


def tags_of(types: Iterable[str]) -> tuple[str, ...]:
    """Returns O, then B-x and I-x for each type x, in the given order."""
    return (OUTSIDE, *(f"{prefix}-{name}" for name in types for prefix in "BI"))


def as_bio(tags: Iterable[str]) -> list[str]:
    """Returns a row's tags with only the prefixes B (an entity begins) and I (it continues); others stay unchanged."""
    bio = []
    open_type = None
    for tag in tags:
        match = TAG.fullmatch(tag)
        if match is None:
            bio.append(tag)
            open_type = None
            continue
        prefix, name = match.groups()
        bio.append(f"{'B' if prefix in BEGINS or open_type != name else 'I'}-{name}")
        open_type = None if prefix in CLOSES else name
    return bio


def entities(tags: Sequence[str]) -> list[Entity]:
    """Returns the entities that a row's tags mark, in text order."""
    marked: list[Entity] = []
    for i, tag in enumerate(as_bio(tags)):
        if tag.startswith("B-"):
            marked.append(Entity(tag[2:], i, i))
        elif tag.startswith("I-"):
            marked[-1] = marked[-1]._replace(last=i)
    return marked
