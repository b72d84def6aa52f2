"""Rewrites the tags of a data set as BIO tags, whose meaning is in nlptl/core/bio.py."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from nlptl.core.bio import BEGINS, CLOSES, OUTSIDE, TAG, as_bio, tags_of, type_of, types_in
from nlptl.core.errors import InputError, nearest
from nlptl.core.records import Example

MISWRITTEN = re.compile(r"([BIELSU])[-_:.](.+)", re.IGNORECASE | re.DOTALL)
SHOWN = 12
"""Most tags listed in a message."""

Splits = Mapping[str, Sequence[Example]]


def renamed_tag(tag: str, mapping: Mapping[str, str]) -> str:
    """Returns a tag with the new name given for the tag, else with the new name of its entity type."""
    match = TAG.fullmatch(tag)
    if tag in mapping or match is None:
        return mapping.get(tag, tag)
    return f"{match.group(1)}-{mapping.get(match.group(2), match.group(2))}"


def declared_bio(declared: Sequence[str]) -> tuple[str, ...]:
    """Returns O, B-x and I-x for every entity type in the declared tags, in their order."""
    return tags_of(dict.fromkeys(name for tag in declared if (name := type_of(tag)) is not None))


def to_bio(splits: Splits) -> tuple[dict[str, list[Example]], list[str]]:
    """Returns the examples with BIO tags, by split, and notes on what was rewritten or repaired.

    All tags together decide the scheme: BIO (also IOBES or BILOU), or names without a prefix, where consecutive equal
    names are one entity. An I-x without an x before it becomes B-x, so IOB1 works too.

    Args:
        splits: the examples by the name of their split in messages; their labels are the tags of the data set.

    Raises:
        InputError: only some tags have a prefix, or tags are numbers.
    """
    found = Counter(tag for examples in splits.values() for e in examples for tag in e.label or () if tag != OUTSIDE)
    prefixed = any(map(TAG.fullmatch, found))
    wrong = next((tag for tag in found if _is_wrong(tag, found, prefixed=prefixed)), None)
    if wrong is not None:
        raise _unknown(wrong, found, splits)
    done: dict[str, list[Example]] = {}
    notes: list[str] = []
    for where, examples in splits.items():
        counts: Counter[str] = Counter()
        done[where] = [replace(e, label=_row(e.label, counts, prefixed=prefixed)) for e in examples]
        notes += [f"{where}: {n} {what}" for what, n in counts.items()]
    return done, notes


def _is_wrong(tag: str, found: Mapping[str, int], *, prefixed: bool) -> bool:
    if prefixed:
        return not TAG.fullmatch(tag)
    miswritten = all(map(MISWRITTEN.fullmatch, found)) and any(name[0] in "Bb" for name in found)
    return _is_number(tag) or miswritten


def _is_number(tag: str) -> bool:
    return tag.removeprefix("-").isdecimal()


def _row(tags: Sequence[str] | None, counts: Counter[str], *, prefixed: bool) -> tuple[str, ...] | None:
    if tags is None:
        return None
    return _from_prefixes(tags, counts) if prefixed else _from_names(tags, counts)


def _from_prefixes(tags: Sequence[str], counts: Counter[str]) -> tuple[str, ...]:
    bio = as_bio(tags)
    prefixes = [match.group(1) if (match := TAG.fullmatch(tag)) else "" for tag in tags]
    n_rewritten = sum(prefix in CLOSES for prefix in prefixes if prefix)
    n_repaired = sum(new.startswith("B-") and prefix not in BEGINS for prefix, new in zip(prefixes, bio, strict=True))
    if n_rewritten:
        counts["tags of IOBES or BILOU (S-, E-, L-, U-) rewritten as BIO"] += n_rewritten
    if n_repaired:
        counts["tags repaired: an I-x without an x before it became B-x"] += n_repaired
    return tuple(bio)


def _from_names(tags: Sequence[str], counts: Counter[str]) -> tuple[str, ...]:
    n = sum(tag != OUTSIDE for tag in tags)
    if n:
        counts["tags without a prefix rewritten as BIO: consecutive equal names are one entity"] += n
    return tuple(
        tag if tag == OUTSIDE else f"{'I' if before == tag else 'B'}-{tag}"
        for before, tag in zip((OUTSIDE, *tags), tags, strict=False)
    )


def _unknown(tag: str, found: Counter[str], splits: Splits) -> InputError:
    where, row = next(
        (where, e.row_id) for where, examples in splits.items() for e in examples if tag in (e.label or ())
    )
    shown = ", ".join(name for name, _ in found.most_common(SHOWN))
    times = f"{found[tag]} time{'s' * (found[tag] > 1)}"
    return InputError(
        f"{where}, row {row}: expected the tags O, B-x and I-x, found {tag!r} ({times}){_hint(tag, found)}; "
        f"tags found: {shown}"
    )


def _hint(tag: str, found: Iterable[str]) -> str:
    if _is_number(tag):
        return '; numbers need names: --data.label_names \'{"0": "O", "1": "B-PER", "2": "I-PER"}\''
    match = MISWRITTEN.fullmatch(tag)
    corrected = f"{match.group(1).upper()}-{match.group(2)}" if match else tag
    types = types_in({corrected, *found} - {tag})
    return f"{nearest(corrected, tags_of(types))}; correct it, or rename it with data.label_names"
