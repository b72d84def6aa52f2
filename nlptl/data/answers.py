"""Reads answers to questions and finds them in their contexts."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from nlptl.core.errors import InputError
from nlptl.core.records import Answer
from nlptl.data.characters import mended
from nlptl.data.labels import name_of
from nlptl.data.lists import as_list, shortened, written
from nlptl.data.table import Cells, Table, is_array, is_missing

STARTS = ("answer_start", "start")
"""Names of an answer's offset: as a key of the answer, or as a column beside it."""
IMPOSSIBLE = "is_impossible"
MOVED = "answers repaired: the offset was wrong, the nearest occurrence of the answer is used"
SPACED = "answers repaired: the white space differed, that of the context is used"
AMBIGUOUS = "answers have no offset and occur more than once in the context (ambiguous): the first is used"
ABSENT = "answers are not in the context: they are not used for training, but count in the evaluation"
LAYOUTS = '{"text": ["Paris"], "answer_start": [17]}, [{"text": "Paris", "answer_start": 17}], ["Paris"] or "Paris"'

Row = tuple[Answer, ...]


class Given(NamedTuple):
    """An answer as the data gives it."""

    text: str
    start: int | None


def read_answers(table: Table, column: str, contexts: Sequence[str]) -> tuple[list[Row], list[str]]:
    """Returns the answers of each row with their offsets in the context (none if it has no answer), and notes.

    Args:
        table: the rows; the columns answer_start (or start) and is_impossible are used if present.
        column: name of the column of answers.
        contexts: the context of each row.

    Raises:
        InputError: an answer has an unknown form, or most answers are not in their contexts.
    """
    cells = table.cells(column)
    counts: Counter[str] = Counter()
    rows: list[Row] = []
    for (value, here), row, context in zip(cells, table.rows, contexts, strict=True):
        start = next((row[key] for key in STARTS if key in row), None)
        given = [] if _is_impossible(row, here) else list(_given(value, start, here))
        rows.append(tuple(_placed(answer, context, counts) for answer in given))
    _check(rows, counts[ABSENT], cells, contexts)
    n = sum(map(len, rows))
    happened = [what for what in (MOVED, SPACED, AMBIGUOUS, ABSENT) if counts[what]]
    return rows, [f"{cells.where}: {counts[what]} of {n} {what}" for what in happened]


def _is_impossible(row: Mapping[str, object], here: str) -> bool:
    return IMPOSSIBLE in row and (name_of(row[IMPOSSIBLE], here) or "").lower() in ("true", "1")


def _given(value: object, start: object, here: str) -> Iterator[Given]:
    if is_missing(value):
        return
    if isinstance(value, str):
        value = _unwritten(value, here)
    if isinstance(value, Mapping):
        yield from _from_object(value, here)
        return
    items = None if isinstance(value, str) else as_list(value, here)
    if items is None:
        yield from _one(value, start, here)
        return
    for item in items:
        yield from _from_object(item, here) if isinstance(item, Mapping) else _one(item, None, here)


def _unwritten(text: str, here: str) -> object:
    # A plain answer may look like a list, such as "[12]": only strings or objects inside make it one.
    value = written(text, here)
    if isinstance(value, Mapping) and "text" in value:
        return value
    if isinstance(value, list) and all(isinstance(item, str | Mapping) for item in value):
        return value
    return text


def _from_object(value: Mapping[str, object], here: str) -> Iterator[Given]:
    if "text" not in value:
        raise InputError(f"{here}: found the answer {shortened(value)}, expected {LAYOUTS}")
    texts = _several(value["text"])
    starts = _several(next((value[key] for key in STARTS if value.get(key) is not None), None)) or [None] * len(texts)
    if len(texts) != len(starts):
        raise InputError(f"{here}: found {len(texts)} answers and {len(starts)} offsets; each answer needs one")
    for text, start in zip(texts, starts, strict=True):
        yield from _one(text, start, here)


def _several(value: object) -> list[object]:
    if is_missing(value):
        return []
    if is_array(value) and hasattr(value, "tolist"):
        return list(value.tolist())
    return list(value) if isinstance(value, list | tuple) else [value]


def _one(value: object, start: object, here: str) -> Iterator[Given]:
    if isinstance(value, Mapping | list | tuple):
        raise InputError(f"{here}: found the answer {shortened(value)}, expected {LAYOUTS}")
    text = mended(value) if isinstance(value, str) else name_of(value, here) or ""
    if text.strip():
        yield Given(text, _whole(start, here))


def _whole(start: object, here: str) -> int | None:
    """Returns an offset; None if it is missing or negative."""
    name = None if isinstance(start, list | Mapping) else name_of(start, here)
    if start is None or name is None:
        return None
    if not re.fullmatch(r"-?\d+(\.0*)?", name):
        raise InputError(f"{here}: found the offset {start!r}, expected a whole number of characters, from 0")
    return whole if (whole := int(float(name))) >= 0 else None


def _placed(given: Given, context: str, counts: Counter[str]) -> Answer:
    text, start = given
    if start is not None and context.startswith(text, start):
        return Answer(text, start)
    places = list(_places(text, context))
    if not places:
        counts[ABSENT] += 1
        return Answer(text, -1)
    place = places[0] if start is None else min(places, key=lambda answer: abs(answer.start - start))
    counts[AMBIGUOUS] += start is None and len(places) > 1
    counts[MOVED] += start not in (None, place.start)
    counts[SPACED] += place.text != text
    return place


def _places(text: str, context: str) -> Iterator[Answer]:
    exact = [match.start() for match in re.finditer(f"(?={re.escape(text)})", context)]
    if exact:
        yield from (Answer(text, start) for start in exact)
        return
    # Data sets often lose line ends and doubled blanks.
    for match in re.finditer(r"\s+".join(map(re.escape, text.split())), context):
        yield Answer(match.group(), match.start())


def _check(rows: Sequence[Row], n_absent: int, cells: Cells, contexts: Sequence[str]) -> None:
    n = sum(map(len, rows))
    if 2 * n_absent <= n:
        return
    row, answer = next((i, a) for i, answers in enumerate(rows) for a in answers if a.start < 0)
    raise InputError(
        f"{cells.where}: {n_absent} of {n} answers are not in their contexts, so the columns are likely wrong: "
        f"row {row} has the answer {shortened(answer.text)} and the context {shortened(contexts[row])}; name them "
        "with --data.context and --data.answers"
    )
