"""Converts entities given by character offsets to words and BIO tags."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from nlptl.core.errors import InputError
from nlptl.data.labels import name_of
from nlptl.data.lists import as_list, shortened
from nlptl.data.words import Offsets, pieces

STARTS, ENDS = ("start", "start_offset"), ("end", "end_offset")
LABELS = ("label", "type", "entity_group")
LAYOUTS = '[{"start": 0, "end": 5, "label": "PER"}] or [[0, 5, "PER"]], in characters of the text'


class Entity(NamedTuple):
    """An entity in the text."""

    start: int
    """Index of the first character."""
    end: int
    """Index after the last character."""
    label: str


def are_entities(values: Sequence[object], where: str, *, if_empty: bool) -> bool:
    """Returns whether a column holds lists of entities, not of tags; `if_empty` if all its lists are empty."""
    lists = [items for value in values if (items := as_list(value, where)) is not None]
    first = next((items[0] for items in lists if items), None)
    return isinstance(first, Mapping | list | tuple) if first is not None else bool(lists) and if_empty


def entities_of(value: object, text: str, here: str) -> tuple[list[Entity], int]:
    """Returns the entities of a row in text order, and how many had their offsets repaired.

    If an entity also gives its text and the offsets do not match, they are repaired, provided the text occurs once.

    Args:
        value: a list of objects with start, end and label, or of lists of these three.
        text: the row's text.
        here: the cell's place, for messages.

    Raises:
        InputError: an entity has another form, lies outside the text, is blank, overlaps another, or its text does not
            occur exactly once.
    """
    items = as_list(value, here)
    if items is None:
        raise InputError(f"{here}: found {shortened(value)}, expected a list of entities, such as {LAYOUTS}")
    placed = [_placed(item, text, here) for item in items]
    entities = sorted(entity for entity, _ in placed)
    for first, second in pairwise(entities):
        if second.start < first.end:
            raise InputError(
                f"{here}: the entities {_shown(first, text)} and {_shown(second, text)} overlap, but a word has one "
                "tag; keep one of them"
            )
    return entities, sum(repaired for _, repaired in placed)


def tagged(text: str, entities: Sequence[Entity]) -> tuple[Offsets, tuple[str, ...]]:
    """Returns the words of a text, also split where entities begin and end, and a BIO tag for each."""
    offsets = _split(pieces(text), sorted({border for entity in entities for border in entity[:2]}))
    starts = [entity.start for entity in entities]
    tags = []
    before = -1
    for start, _ in offsets:
        i = bisect_right(starts, start) - 1
        if i < 0 or start >= entities[i].end:
            tags.append("O")
        else:
            tags.append(f"{'I' if i == before else 'B'}-{entities[i].label}")
            before = i
    return offsets, tuple(tags)


def _split(words: Offsets, borders: Sequence[int]) -> Offsets:
    split: list[tuple[int, int]] = []
    for start, end in words:
        inner = borders[bisect_right(borders, start) :]
        cuts = [start, *inner[: bisect_right(inner, end - 1)], end]
        split += pairwise(cuts)
    return tuple(split)


def _placed(item: object, text: str, here: str) -> tuple[Entity, bool]:
    start, end, label, named = _parts(item, here)
    if not 0 <= start < end <= len(text):
        raise InputError(
            f"{here}: the entity {label!r} from {start} to {end} lies outside the text, which has {len(text)} "
            "characters (start counts from 0, end is the index after the last character)"
        )
    entity = Entity(start, end, label)
    if not text[start:end].strip():
        raise InputError(f"{here}: the entity {label!r} from {start} to {end} is only white space; correct its offsets")
    if not isinstance(named, str) or text[start:end] == named:
        return entity, False
    at = text.find(named)
    if not named or at < 0 or text.find(named, at + 1) >= 0:
        raise InputError(
            f"{here}: the entity {named!r} is given from {start} to {end}, where the text has {text[start:end]!r}, "
            f"and the entity occurs {'nowhere' if at < 0 else 'more than once'} in it; correct start and end"
        )
    return Entity(at, at + len(named), label), True


def _parts(item: object, here: str) -> tuple[int, int, str, object]:
    if isinstance(item, Mapping):
        values = [next((item[key] for key in keys if key in item), None) for keys in (STARTS, ENDS, LABELS)]
        named = item.get("text")
    else:
        values = list(item) if isinstance(item, list | tuple) and len(item) == 3 else [None]
        named = None
    label = name_of(values[-1], here) if len(values) == 3 and not isinstance(values[-1], list | Mapping) else None
    numbers = [_whole(value) for value in values[:2]]
    if label is None or len(numbers) != 2 or None in numbers:
        raise InputError(f"{here}: found the entity {shortened(item)}, expected {LAYOUTS}")
    return int(numbers[0] or 0), int(numbers[1] or 0), label, named


def _whole(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _shown(entity: Entity, text: str) -> str:
    return f"{text[entity.start : entity.end]!r} ({entity.label}, {entity.start} to {entity.end})"
