"""Predictions beside the rows they are for, as csv, tsv, jsonl or parquet, written part by part."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from nlptl.core.errors import InputError, nearest
from nlptl.core.finite import finite
from nlptl.core.records import Prediction
from nlptl.core.shown import shown_json
from nlptl.data.table import Row, is_missing

if TYPE_CHECKING:
    import pyarrow as pa

WRITABLE = (".csv", ".tsv", ".jsonl", ".parquet")
OWN = ("row_id", "prediction", "scores", "spans")
"""Columns that are nlptl's in every output."""

Part = tuple[Sequence[Row], Sequence[Prediction]]


def check_writable(path: Path, kinds: Sequence[str] = WRITABLE) -> str:
    """Returns the suffix that says how a file is written.

    Raises:
        InputError: the suffix is none of those.
    """
    suffix = path.suffix.lower()
    if suffix in kinds:
        return suffix
    found = f"the suffix {suffix!r}" if suffix else "no suffix"
    raise InputError(
        f"--output {str(path)!r}: the suffix says how it is written; expected {', '.join(kinds)}, found {found}"
        f"{nearest(suffix, kinds)}"
    )


@dataclass(frozen=True)
class Predicted:
    """Rows of a source with their predictions."""

    columns: Sequence[str]
    """Of the source."""
    first: Prediction
    """One of the predictions: all of a task have the same scores."""
    parts: Iterable[Part]
    rows: Callable[[], Iterable[Sequence[Row]]] | None = None
    """Gives the source's rows once more, from which the types of its columns are found; None: all are strings."""

    @cached_property
    def renamed(self) -> dict[str, str]:
        """The name of each source column in the output: nlptl's own names are taken, so theirs begin with "input."."""
        taken, names = {*OWN, *self._scores}, {}
        for column in self.columns:
            name = column
            while name in taken or (name != column and name in self.columns):
                name = f"input.{name}"
            taken.add(name)
            names[column] = name
        return names

    @property
    def header(self) -> list[str]:
        """The columns of a flat output: row_id, the source's, prediction, a score for each label, spans."""
        spans = [] if self.first.spans is None else ["spans"]
        return ["row_id", *self.renamed.values(), "prediction", *self._scores, *spans]

    def flat(self, row: Row, found: Prediction) -> list[object]:
        """Returns the values of a row, in the order of `header`."""
        spans = [] if self.first.spans is None else [found.spans]
        scores = [found.scores.get(name) for name in self.first.scores]
        return [found.row_id, *(row.get(column) for column in self.columns), found.prediction, *scores, *spans]

    def nested(self, row: Row, found: Prediction) -> dict[str, object]:
        """Returns a row as an object, its scores as one inside."""
        own = {self.renamed[column]: value for column, value in row.items()}
        spans = {} if found.spans is None else {"spans": found.spans}
        return {"row_id": found.row_id, **own, "prediction": found.prediction, "scores": found.scores, **spans}

    @property
    def _scores(self) -> list[str]:
        return [f"scores.{name}" for name in self.first.scores]


def lines(predicted: Predicted, kind: str, *, ascii_only: bool = False) -> Iterator[str]:
    """Yields the text of a csv, tsv or jsonl file, with its line ends.

    Args:
        predicted: the rows.
        kind: ".csv", ".tsv" or ".jsonl".
        ascii_only: whether JSON has escapes for all other characters.
    """
    pairs = ((row, found) for part in predicted.parts for row, found in zip(*part, strict=True))
    if kind == ".jsonl":
        yield from (_json(predicted.nested(*pair), ascii_only=ascii_only) + "\n" for pair in pairs)
        return
    buffer = io.StringIO()
    write = csv.writer(buffer, delimiter="\t" if kind == ".tsv" else ",", lineterminator="\n").writerow
    yield _delimited(write, buffer, map(_text, predicted.header))
    for pair in pairs:
        yield _delimited(write, buffer, map(_text, predicted.flat(*pair)))


def write_parquet(predicted: Predicted, path: Path) -> None:
    """Writes a parquet file, a row group a part.

    Raises:
        InputError: a value does not fit the type of its column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema(predicted)
    with pq.ParquetWriter(path, schema) as writer:
        for part in predicted.parts:
            rows = [predicted.flat(row, found) for row, found in zip(*part, strict=True)]
            columns = [_array(field, values) for field, values in zip(schema, zip(*rows, strict=True), strict=True)]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def _schema(predicted: Predicted) -> "pa.Schema":
    import pyarrow as pa

    span = [("text", pa.string()), ("start", pa.int64()), ("end", pa.int64())]
    spans = pa.list_(pa.struct([*span, ("label", pa.string()), ("score", pa.float64())]))
    answer = predicted.first.prediction
    kinds = {"row_id": pa.int64(), "spans": spans, "prediction": pa.string()}
    if not isinstance(answer, str):
        kinds["prediction"] = pa.list_(pa.string()) if isinstance(answer, list) else pa.float64()
    own = _types(predicted)
    kinds |= {predicted.renamed[column]: own[column] for column in predicted.columns}
    return pa.schema([(name, kinds.get(name, pa.float64())) for name in predicted.header])


def _types(predicted: Predicted) -> "dict[str, pa.DataType]":
    """Returns the type of each source column: the one that all its values share, else string, for JSON."""
    import pyarrow as pa

    found = dict.fromkeys(predicted.columns, pa.null())
    for rows in predicted.rows() if predicted.rows else ():
        for column, kind in found.items():
            found[column] = kind if kind == pa.string() else _common(kind, [row.get(column) for row in rows])
    return {column: pa.string() if kind == pa.null() else kind for column, kind in found.items()}


def _common(kind: "pa.DataType", values: list[object]) -> "pa.DataType":
    import pyarrow as pa

    try:
        both = [pa.schema([("values", one)]) for one in (kind, pa.array(values).type)]
        return pa.unify_schemas(both, promote_options="permissive").field(0).type
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return pa.string()


def _array(field: "pa.Field", values: Sequence[object]) -> "pa.Array":
    import pyarrow as pa

    if field.type == pa.string():
        values = [None if value is None else _text(value) for value in values]
    try:
        return pa.array(values, type=field.type)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise InputError(
            f"--output: the column {field.name!r} has values that do not fit {field.type} ({error}); write .jsonl"
        ) from error


def _delimited(write: Callable[[Iterable[str]], object], buffer: io.StringIO, values: Iterable[str]) -> str:
    write(values)
    line = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return line


def _text(value: object) -> str:
    """Returns a value as a field of csv: nothing for None, lists and objects as JSON."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()  # half an emoji is no UTF-8
    return "" if is_missing(value) else _json(value) if isinstance(value, bool | list | dict) else str(value)


def _json(value: object, *, ascii_only: bool = False) -> str:
    return shown_json(json.dumps(finite(value), ensure_ascii=ascii_only, default=str))
