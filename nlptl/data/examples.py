"""Tables as examples, and what identifies a list of them."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nlptl.core.errors import InputError
from nlptl.core.records import Column, Example, Output
from nlptl.data.answers import read_answers
from nlptl.data.characters import has_half
from nlptl.data.classes import label_lists
from nlptl.data.labels import label_names, names_known, renamed
from nlptl.data.numbers import target_numbers
from nlptl.data.table import Table
from nlptl.data.tags import read_tags
from nlptl.data.texts import target_texts, text_of
from nlptl.data.words import Words, punctuation_apart, read_words

NAMED = ("class", "classes", "tags")
"""Kinds of labels that are names, in which nothing is replaced."""
SHOWN = 5
"""Row ids listed in a message."""


@dataclass
class _Fields:
    """The fields of some examples as they are read, each with a value a row."""

    table: Table
    values: dict[str, Sequence[Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    words: list[Words] | None = None


def to_examples(
    table: Table, columns: Sequence[Column], names: Mapping[str, str]
) -> tuple[list[Example], tuple[str, ...]]:
    """Returns one example per row, whose id is the row's position, and notes on what was repaired.

    Tags are left as they stand in the data; `nlptl.data.bio.to_bio` rewrites them.

    Args:
        table: the rows.
        columns: what the task reads.
        names: the table's column for each role; roles that are not among them stay empty.

    Raises:
        InputError: a value cannot be read as its column's kind.
    """
    fields = _Fields(table)
    found = [c for c in columns if c.role in names]
    # Labels come last: tags need the words, and answers the context.
    for column in sorted(found, key=lambda c: c.field == "label"):
        _note_halves(fields, column, names[column.role])
        read = _read_label if column.field == "label" else _read_text
        read(fields, column, names[column.role])
    if fields.words is not None:
        if "label" not in fields.values:  # new texts; with tags, their number says what the words are
            fields.words = [punctuation_apart(row) for row in fields.words]
        fields.values["text"] = [row.text for row in fields.words]
        fields.values["words"] = [row.offsets for row in fields.words]
    rows = zip(*fields.values.values(), strict=True)
    examples = [Example(i, **dict(zip(fields.values, row, strict=True))) for i, row in enumerate(rows, table.first)]
    return examples, tuple(fields.notes)


def output_of(columns: Sequence[Column]) -> Output | None:
    """Returns the kind of label among some columns, None where they have none."""
    return next((c.kind for c in columns if c.field == "label" and c.kind != "words"), None)


def label_roles(columns: Sequence[Column]) -> tuple[str, ...]:
    """Returns the roles of the columns that fill the label."""
    return tuple(c.role for c in columns if c.field == "label")


def rename_labels(examples: Sequence[Example], mapping: Mapping[str, str], output: Output | None) -> list[Example]:
    """Returns the examples with their labels under the new names; labels without one keep theirs."""
    if not mapping:
        return list(examples)
    return [replace(e, label=renamed(e.label, mapping, output)) for e in examples]


def named_as(examples: Sequence[Example], names: Iterable[str], output: Output | None) -> list[Example]:
    """Returns the examples with their labels as a model writes them, whose names may be from an earlier version."""
    return rename_labels(examples, names_known(names), output)


def is_blank(example: Example) -> bool:
    """Returns whether a text of the example is empty or only white space."""
    return not example.text.strip() or (example.text_pair is not None and not example.text_pair.strip())


def key_of(example: Example) -> tuple[str, str]:
    """Returns what two examples share where they are the same text, or pair, apart from white space around them."""
    return example.text.strip(), (example.text_pair or "").strip()


def rows_shown(row_ids: Sequence[int]) -> str:
    """Returns "row 3" or "rows 3, 9, 12, ...": the first few row ids for a message."""
    more = ", ..." if len(row_ids) > SHOWN else ""
    return f"row{'s' if len(row_ids) > 1 else ''} {', '.join(map(str, row_ids[:SHOWN]))}{more}"


def fingerprint(examples: Iterable[Example]) -> str:
    """Returns the sha256 over row ids, texts, labels and words, in order: equal only for the same rows."""
    digest = hashlib.sha256()
    for e in examples:
        # Rows without words keep the fingerprint that older runs recorded.
        words = () if e.words is None else (e.words,)
        digest.update(json.dumps([e.row_id, e.text, e.text_pair, e.label, *words]).encode())
    return digest.hexdigest()


def _note_halves(fields: _Fields, column: Column, name: str) -> None:
    cells = fields.table.cells(name)
    rows = [row for row, value in enumerate(cells.values, cells.first) if has_half(value)]
    if rows and column.kind not in NAMED:
        fields.notes.append(
            f"{cells.where}: {len(rows)} of {len(cells.values)} rows hold half a character (a lone surrogate, such as "
            f"half of an emoji), U+FFFD stands in its place: {rows_shown(rows)}"
        )


def _read_text(fields: _Fields, column: Column, name: str) -> None:
    cells = fields.table.cells(name)
    if column.kind == "words":
        fields.words = read_words(cells)
    else:
        fields.values[column.field] = [text_of(value, here) for value, here in cells]


def _read_label(fields: _Fields, column: Column, name: str) -> None:
    labels, notes = _labels(fields, column, name)
    fields.values["label"] = labels
    fields.notes += notes


def _labels(fields: _Fields, column: Column, name: str) -> tuple[Sequence[Any], list[str]]:
    cells = fields.table.cells(name)
    match column.kind:
        case "class":
            return label_names(cells.values, cells.where), []
        case "classes":
            return label_lists(cells, column.separator)
        case "number":
            return target_numbers(cells), []
        case "tags":
            fields.words, tags, notes = read_tags(cells, _needed(fields.words, "words", cells.where))
            return tags, notes
        case "span":
            return read_answers(fields.table, name, _needed(fields.values.get("text_pair"), "a context", cells.where))
        case _:
            return target_texts(cells), []


def _needed(found: Any, what: str, where: str) -> Any:
    if found is None:
        raise InputError(f"{where}: this label needs {what} in another column; name it with --data")
    return found
