"""Tables as examples, and what identifies a list of them."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from nlptl.data.labels import label_names
from nlptl.data.table import Table, is_missing
from nlptl.errors import InputError
from nlptl.records import Example

SHOWN = 5
"""Row ids listed in a message."""


def to_examples(table: Table, columns: Mapping[str, str]) -> list[Example]:
    """Returns one example per row; the row id is the row's position.

    Args:
        table: the rows.
        columns: the column for each role.

    Raises:
        InputError: a text or a label is of a type that cannot be one.
    """
    fields: dict[str, Sequence[str | None]] = {}
    for role, column in columns.items():
        values = [row.get(column) for row in table.rows]
        where = f"{table.name}, column {column!r}"
        is_label = role == "label"
        fields[role] = label_names(values, where) if is_label else [_text(v, i, where) for i, v in enumerate(values)]
    roles = list(fields)
    return [
        Example(row_id, **dict(zip(roles, values, strict=True)))
        for row_id, values in enumerate(zip(*fields.values(), strict=True))
    ]


def rename_labels(examples: Sequence[Example], mapping: Mapping[str, str]) -> list[Example]:
    """Returns the examples with their labels under the new names; labels without one keep theirs."""
    if not mapping:
        return list(examples)
    return [replace(e, label=mapping.get(e.label, e.label)) if e.label is not None else e for e in examples]


def is_blank(example: Example) -> bool:
    """Returns whether a text of the example is empty or only white space."""
    return not example.text.strip() or (example.text_pair is not None and not example.text_pair.strip())


def rows_shown(row_ids: Sequence[int]) -> str:
    """Returns "row 3" or "rows 3, 9, 12, ...": the first few row ids for a message."""
    more = ", ..." if len(row_ids) > SHOWN else ""
    return f"row{'s' if len(row_ids) > 1 else ''} {', '.join(map(str, row_ids[:SHOWN]))}{more}"


def fingerprint(examples: Iterable[Example]) -> str:
    """Returns the sha256 over row ids, texts and labels, in order: equal only for the same rows."""
    digest = hashlib.sha256()
    for e in examples:
        digest.update(json.dumps([e.row_id, e.text, e.text_pair, e.label]).encode())
    return digest.hexdigest()


def _text(value: object, row: int, where: str) -> str:
    if isinstance(value, str):
        return value
    if is_missing(value):
        return ""
    if isinstance(value, Mapping | list | tuple | set | bytes):
        raise InputError(f"{where}, row {row}: the text is a {type(value).__name__}, expected a string")
    return str(value)
