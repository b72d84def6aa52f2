"""Reads a tag for each word, from any of the usual forms."""

from typing import NamedTuple

from nlptl.core.errors import InputError
from nlptl.data.entities import are_entities, entities_of, tagged
from nlptl.data.labels import name_of
from nlptl.data.lists import as_list, shortened
from nlptl.data.table import Cells, is_missing
from nlptl.data.words import Words


class Tagged(NamedTuple):
    """Words and tags of rows."""

    words: list[Words]
    tags: list[tuple[str, ...] | None]
    """The tags as in the data; None for a row without tags."""
    notes: list[str]


def read_tags(cells: Cells, words: list[Words]) -> Tagged:
    """Returns the tags and words of each row; words are also split where entities begin or end.

    Args:
        cells: lists of tags, strings of tags separated by blanks, or lists of entities with character offsets.
        words: the words of each row.

    Raises:
        InputError: the numbers of tags and words differ, or a cell has another form.
    """
    if are_entities(cells.values, cells.where, if_empty=not any(row.listed for row in words)):
        return _from_entities(cells, words)
    tags = [_tags(value, row, here) for (value, here), row in zip(cells, words, strict=True)]
    return Tagged(words, tags, [])


def _tags(value: object, words: Words, here: str) -> tuple[str, ...] | None:
    if is_missing(value) or (isinstance(value, str) and not value.strip()):
        return None
    items = as_list(value, here)
    if items is None:
        items = list(value.split()) if isinstance(value, str) else None
    if items is None:
        raise InputError(f"{here}: found {shortened(value)}, expected a list of tags, or tags separated by blanks")
    if len(items) != len(words.offsets):
        raise InputError(
            f"{here}: found {len(items)} tags for {len(words.offsets)} words ({shortened(words.text)}); each word "
            "needs one"
        )
    return tuple(_tag(item, here) for item in items)


def _tag(item: object, here: str) -> str:
    name = name_of(item, here)
    if name is None:
        raise InputError(f"{here}: a tag in the list is missing; tag words outside entities with O")
    return name


def _from_entities(cells: Cells, words: list[Words]) -> Tagged:
    done = Tagged([], [], [])
    n_repaired = 0
    for (value, here), row in zip(cells, words, strict=True):
        if row.listed and row.offsets:
            raise InputError(
                f"{here}: entities with character offsets need the text as one string, found a list of words; name "
                "the column of the text with --data.text"
            )
        if is_missing(value) or (isinstance(value, str) and not value.strip()):
            done.words.append(row)
            done.tags.append(None)
            continue
        entities, n = entities_of(value, row.text, here)
        n_repaired += n
        offsets, tags = tagged(row.text, entities)
        done.words.append(row._replace(offsets=offsets))
        done.tags.append(tags)
    if n_repaired:
        done.notes.append(
            f"{cells.where}: {n_repaired} entities repaired: the offsets were wrong, the place of their text is used"
        )
    return done
