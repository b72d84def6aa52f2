"""Converts tables to examples; fingerprints and other facts about examples."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from nlptl.core.kinds import KINDS
from nlptl.core.records import Column, Example
from nlptl.data.characters import has_half
from nlptl.data.fields import Fields
from nlptl.data.kinds.base import AnyKind, kind_of
from nlptl.data.labels import names_known
from nlptl.data.table import Table
from nlptl.data.texts import text_of
from nlptl.data.words import punctuation_apart, read_words

SHOWN = 5
"""Most row ids listed in a message."""


def to_examples(
    table: Table, columns: Sequence[Column], names: Mapping[str, str]
) -> tuple[list[Example], tuple[str, ...]]:
    """Returns one example per row, whose id is the row's position, and notes on repairs.

    Tags are not changed; `nlptl.data.bio.to_bio` rewrites them.

    Args:
        table: the rows.
        columns: the columns that the task reads.
        names: the table's column for each role; other roles stay empty.

    Raises:
        InputError: a value cannot be read as its column's kind.
    """
    fields = Fields(table)
    present = [c for c in columns if c.role in names]
    # Labels come last: tags need the words, and answers the context.
    for column in sorted(present, key=lambda c: c.field == "label"):
        _note_halves(fields, column, names[column.role])
        read = _read_label if column.field == "label" else _read_text
        read(fields, column, names[column.role])
    if fields.words is not None:
        if "label" not in fields.values:  # texts without tags; with tags, one tag per word fixes the words
            fields.words = [punctuation_apart(row) for row in fields.words]
        fields.values["text"] = [row.text for row in fields.words]
        fields.values["words"] = [row.offsets for row in fields.words]
    rows = zip(*fields.values.values(), strict=True)
    examples = [Example(i, **dict(zip(fields.values, row, strict=True))) for i, row in enumerate(rows, table.first)]
    return examples, tuple(fields.notes)


def output_of(columns: Sequence[Column]) -> str | None:
    """Returns the kind of answers of the label column; None if there is none."""
    return next((c.kind for c in columns if c.field == "label" and c.kind != "words"), None)


def label_roles(columns: Sequence[Column]) -> tuple[str, ...]:
    """Returns the roles of the columns that fill the label."""
    return tuple(c.role for c in columns if c.field == "label")


def renamed(examples: Sequence[Example], mapping: Mapping[str, str], kind: AnyKind) -> list[Example]:
    """Returns the examples with renamed labels; a label without a new name keeps its name."""
    if not mapping:
        return list(examples)
    return [e if e.label is None else replace(e, label=kind.renamed(e.label, mapping)) for e in examples]


def named_as(examples: Sequence[Example], names: Iterable[str], output: str | None) -> list[Example]:
    """Returns the examples with labels written as in the model, which an earlier version may have made."""
    return renamed(examples, names_known(names), kind_of(output))


def unknown_label(examples: Iterable[Example], names: Iterable[str], output: str) -> tuple[int, str] | None:
    """Returns the first row id with a label that a model does not know, and the label; None if it knows all.

    Args:
        examples: labelled rows.
        names: the model's classes.
        output: name of the kind of answers.
    """
    known, kind = set(names), kind_of(output)
    return next(((e.row_id, x) for e in examples for x in sorted(set(kind.classes_in(e.label)) - known)), None)


def is_blank(example: Example) -> bool:
    """Returns whether a text of the example is empty or only white space."""
    return not example.text.strip() or (example.text_pair is not None and not example.text_pair.strip())


def key_of(example: Example) -> tuple[str, str]:
    """Returns a key that is equal for examples with the same text or pair, ignoring white space around them."""
    return example.text.strip(), (example.text_pair or "").strip()


def rows_shown(row_ids: Sequence[int]) -> str:
    """Returns "row 3" or "rows 3, 9, 12, ...": the first few row ids for a message."""
    more = ", ..." if len(row_ids) > SHOWN else ""
    return f"row{'s' if len(row_ids) > 1 else ''} {', '.join(map(str, row_ids[:SHOWN]))}{more}"


def fingerprint(examples: Iterable[Example]) -> str:
    """Returns the sha256 of row ids, texts, labels and words, in order; it is equal only for the same rows."""
    digest = hashlib.sha256()
    for e in examples:
        # Nothing is added for rows without words, so that fingerprints in older runs stay valid.
        words = () if e.words is None else (e.words,)
        digest.update(json.dumps([e.row_id, e.text, e.text_pair, e.label, *words]).encode())
    return digest.hexdigest()


def _note_halves(fields: Fields, column: Column, name: str) -> None:
    cells = fields.table.cells(name)
    rows = [row for row, value in enumerate(cells.values, cells.first) if has_half(value)]
    kind = KINDS.get(column.kind)
    if rows and (kind is None or kind.names is None):  # in names they are an error
        fields.notes.append(
            f"{cells.where}: {len(rows)} of {len(cells.values)} rows hold half a character (a lone surrogate, such as "
            f"half of an emoji), which is replaced by U+FFFD: {rows_shown(rows)}"
        )


def _read_text(fields: Fields, column: Column, name: str) -> None:
    cells = fields.table.cells(name)
    if column.kind == "words":
        fields.words = read_words(cells)
    else:
        fields.values[column.field] = [text_of(value, here) for value, here in cells]


def _read_label(fields: Fields, column: Column, name: str) -> None:
    labels, notes = kind_of(column.kind).read(fields, column, name)
    fields.values["label"] = labels
    fields.notes += notes
