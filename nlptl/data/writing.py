"""Writes rows with their predictions to csv, tsv, jsonl or parquet, part by part."""

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
OWN = ("row_id", "prediction", "abstained", "scores", "spans")
"""Columns that nlptl adds to the output."""

Part = tuple[Sequence[Row], Sequence[Prediction]]


def check_writable(path: Path, kinds: Sequence[str] = WRITABLE) -> str:
    """Returns the suffix of an output file, which determines its format.

    Raises:
        InputError: the suffix is not in `kinds`.
    """
    suffix = path.suffix.lower()
    if suffix in kinds:
        return suffix
    found = f"the suffix {suffix!r}" if suffix else "no suffix"
    raise InputError(
        f"--output {str(path)!r}: the suffix determines the format; expected {', '.join(kinds)}, found {found}"
        f"{nearest(suffix, kinds)}"
    )


@dataclass(frozen=True)
class Predicted:
    """The rows of a source with their predictions."""

    columns: Sequence[str]
    """Columns of the source."""
    first: Prediction
    """The first prediction; it determines the columns, because all predictions of a task have the same score names."""
    parts: Iterable[Part]
    rows: Callable[[], Iterable[Sequence[Row]]] | None = None
    """Reads the source's rows again, to find the types of its columns; None: all are strings."""

    @cached_property
    def renamed(self) -> dict[str, str]:
        """Output name of each source column; "input." is put before names that nlptl uses itself."""
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
        """The columns of a flat output: row_id, the source's, prediction, abstained, a score for each label, spans."""
        return ["row_id", *self.renamed.values(), "prediction", *self._abstained, *self._scores, *self._spans]

    def flat(self, row: Row, found: Prediction) -> list[object]:
        """Returns the values of a row, in the order of `header`."""
        source = [row.get(column) for column in self.columns]
        scores = [found.scores.get(name) for name in self.first.scores]
        optional = [found.abstained for _ in self._abstained], [found.spans for _ in self._spans]
        return [found.row_id, *source, found.prediction, *optional[0], *scores, *optional[1]]

    def nested(self, row: Row, found: Prediction) -> dict[str, object]:
        """Returns a row as an object with its scores as an inner object."""
        source = {self.renamed[column]: value for column, value in row.items()}
        abstained = {} if found.abstained is None else {"abstained": found.abstained}
        spans = {} if found.spans is None else {"spans": found.spans}
        answer = {"prediction": found.prediction, **abstained, "scores": found.scores, **spans}
        return {"row_id": found.row_id, **source, **answer}

    @property
    def _scores(self) -> list[str]:
        return [f"scores.{name}" for name in self.first.scores]

    @property
    def _abstained(self) -> list[str]:
        return [] if self.first.abstained is None else ["abstained"]

    @property
    def _spans(self) -> list[str]:
        return [] if self.first.spans is None else ["spans"]


def lines(predicted: Predicted, kind: str, *, ascii_only: bool = False) -> Iterator[str]:
    """Yields the lines of a csv, tsv or jsonl file, with line ends.

    Args:
        predicted: the rows and predictions.
        kind: ".csv", ".tsv" or ".jsonl".
        ascii_only: whether JSON escapes all non-ASCII characters.
    """
    pairs = ((row, answer) for part in predicted.parts for row, answer in zip(*part, strict=True))
    if kind == ".jsonl":
        yield from (_json(predicted.nested(*pair), ascii_only=ascii_only) + "\n" for pair in pairs)
        return
    buffer = io.StringIO()
    write = csv.writer(buffer, delimiter="\t" if kind == ".tsv" else ",", lineterminator="\n").writerow
    yield _delimited(write, buffer, map(_text, predicted.header))
    for pair in pairs:
        yield _delimited(write, buffer, map(_text, predicted.flat(*pair)))


def write_parquet(predicted: Predicted, path: Path) -> None:
    """Writes a parquet file, with one row group per part.

    Raises:
        InputError: a value does not fit the type of its column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema(predicted)
    with pq.ParquetWriter(path, schema) as writer:
        for part in predicted.parts:
            rows = [predicted.flat(row, answer) for row, answer in zip(*part, strict=True)]
            columns = [_array(field, values) for field, values in zip(schema, zip(*rows, strict=True), strict=True)]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def _schema(predicted: Predicted) -> "pa.Schema":
    import pyarrow as pa

    span = [("text", pa.string()), ("start", pa.int64()), ("end", pa.int64())]
    spans = pa.list_(pa.struct([*span, ("label", pa.string()), ("score", pa.float64())]))
    answer = predicted.first.prediction
    kinds = {"row_id": pa.int64(), "spans": spans, "prediction": pa.string(), "abstained": pa.bool_()}
    if not isinstance(answer, str):
        kinds["prediction"] = pa.list_(pa.string()) if isinstance(answer, list) else pa.float64()
    types = _types(predicted)
    kinds |= {predicted.renamed[column]: types[column] for column in predicted.columns}
    return pa.schema([(name, kinds.get(name, pa.float64())) for name in predicted.header])


def _types(predicted: Predicted) -> "dict[str, pa.DataType]":
    """Returns the type of each source column: the common type of its values; if there is none, string (for JSON)."""
    import pyarrow as pa

    types = dict.fromkeys(predicted.columns, pa.null())
    for rows in predicted.rows() if predicted.rows else ():
        for column, kind in types.items():
            types[column] = kind if kind == pa.string() else _common(kind, [row.get(column) for row in rows])
    return {column: pa.string() if kind == pa.null() else kind for column, kind in types.items()}


def _common(kind: "pa.DataType", values: list[object]) -> "pa.DataType":
    import pyarrow as pa

    try:
        schemas = [pa.schema([("values", dtype)]) for dtype in (kind, pa.array(values).type)]
        return pa.unify_schemas(schemas, promote_options="permissive").field(0).type
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
    """Returns a value as text for a csv field: empty for a missing value, JSON for lists and objects."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()  # UTF-8 cannot hold lone surrogates
    return "" if is_missing(value) else _json(value) if isinstance(value, bool | list | dict) else str(value)


def _json(value: object, *, ascii_only: bool = False) -> str:
    return shown_json(json.dumps(finite(value), ensure_ascii=ascii_only, default=str))
