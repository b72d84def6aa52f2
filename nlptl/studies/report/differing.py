"""The rows to which compared runs give different answers, from differences.csv and the data of the runs."""

import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from nlptl.core.comparison import Comparison
from nlptl.core.errors import NlptlError
from nlptl.report.comparison_page import Differing, Said
from nlptl.report.excerpts import pieces
from nlptl.report.parts import Texts
from nlptl.runs.folder import Folder
from nlptl.runs.report.rows import Source, read_source
from nlptl.studies.places import DIFFERENCES

MOST_ROWS = 20
"""Rows that are shown."""
ADVICE = "compare the runs again"


@dataclass(frozen=True)
class Found:
    """The first rows that differ."""

    rows: Sequence[Differing] = ()
    n: int = 0
    """Of all that differ."""
    notes: Sequence[str] = ()
    missing: str = ""
    """Why there are none."""


def read(record: Comparison, folder: Path) -> Found:
    """Returns the first rows that differ, with all answers, and with their texts if a run's data is still there.

    Args:
        record: the comparison.
        folder: in which differences.csv lies.
    """
    if not any(pair.n_differ for pair in record.pairs):
        return Found(missing="The runs give the same answer to every row.")
    try:
        with (folder / DIFFERENCES).open(encoding="utf-8", newline="") as stream, _long_fields():
            lines = csv.DictReader(stream)
            first = [_row(line, record) for line in islice(lines, MOST_ROWS)]
            n = len(first) + sum(1 for _ in lines)
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        return Found(missing=f"{DIFFERENCES} is missing or damaged ({error}): {ADVICE}.")
    source = _source(record)
    examples = source.examples.get(record.split, {})
    rows = [_with_texts(row, examples) for row in first]
    return Found(rows, n, [source.why] if source.why else [])


def _row(line: Mapping[str, str], record: Comparison) -> Differing:
    by_answer: dict[str, list[str]] = {}
    for run in record.runs:
        by_answer.setdefault(line[run.run], []).append(run.run)
    is_single = all(pair.mcnemar is not None for pair in record.pairs)
    said = [Said(answer, runs, answer == line["label"] if is_single else None) for answer, runs in by_answer.items()]
    return Differing(int(line["row_id"]), line["label"], said)


def _with_texts(row: Differing, examples: Mapping[int, object]) -> Differing:
    example = examples.get(row.row_id)
    texts: Texts = [pieces(text) for name in ("text", "text_pair") if (text := getattr(example, name, None))]
    return Differing(row.row_id, row.label, row.said, texts)


def _source(record: Comparison) -> Source:
    """Returns the data of the first run that still has it."""
    found = Source(why="The folders of the runs are not here: rows are shown by their ids alone.")
    for run in record.runs:
        try:
            recipe = Folder(Path(run.folder)).recipe()
        except (NlptlError, OSError):
            continue
        found = read_source(Path(run.folder), recipe)
        if record.split in found.examples:
            return Source(found.examples)
    return found


@contextmanager
def _long_fields() -> Iterator[None]:
    """Lets fields of CSV files be of any length until exit: a written text may be long."""
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)
