"""Reads data given in Python: frames, data sets, lists of dicts, texts with labels, or texts only."""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError
from nlptl.data import arrow
from nlptl.data.table import Row, Table, refuse_twice

EXPECTED = (
    "expected a file, a folder, a Hub id, sample:NAME, a pandas frame, a data set, "
    "a list of dicts, (texts, labels), or a dict of these by split"
)


def in_memory(given: object, config: DataConfig) -> tuple[str, Callable[[], Table]]:
    """Returns the name of data in memory for messages, and a function that reads it.

    Raises:
        InputError: data of this type is not supported.
    """
    pandas, datasets = sys.modules.get("pandas"), sys.modules.get("datasets")
    if pandas is not None and isinstance(given, pandas.DataFrame):
        return "the data frame", partial(_frame, given)
    if datasets is not None and isinstance(given, datasets.Dataset | datasets.IterableDataset):
        return "the data set", partial(_dataset, given)
    if isinstance(given, tuple) and len(given) == 2 and all(values_of(part) is not None for part in given):
        return "the texts and labels", partial(_texts_and_labels, given, config)
    values = values_of(given)
    if values is not None:
        return "the list", partial(_list, values)
    advice = "; give its .to_pandas()" if hasattr(given, "to_pandas") else ""
    raise InputError(f"data of type {type(given).__name__} cannot be used; {EXPECTED}{advice}")


def values_of(given: object) -> Sequence[object] | None:
    """Returns the values of a list, a one-dimensional array, or a column of a frame or data set; else None."""
    if isinstance(given, list | tuple):
        return given
    if getattr(given, "ndim", 1) != 1 or isinstance(given, str | bytes | bytearray | memoryview | Mapping | range):
        return None
    for name in ("to_pylist", "tolist"):
        if callable(getattr(given, name, None)):
            return list(getattr(given, name)())
    return list(given) if isinstance(given, Sequence) else None


def texts_in(given: object) -> Sequence[str] | None:
    """Returns the texts of a list or array whose first value is a text; None for other data.

    Raises:
        InputError: another value is not a text.
    """
    values = values_of(given)
    if not values or not isinstance(values[0], str):
        return None
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) < len(values):
        row = next(row for row, value in enumerate(values) if not isinstance(value, str))
        raise InputError(
            f"the list: row {row} is a {type(values[row]).__name__}, expected a text as in row 0; use an empty text "
            "for a missing one"
        )
    return texts


def _frame(frame: Any) -> Table:
    names = [str(name) for name in frame.columns]
    refuse_twice(names, "the data frame")
    plain = frame.astype(object).where(frame.notna(), None)
    plain.columns = names
    return _filled(Table("the data frame", plain.to_dict("records")))


def _dataset(dataset: object) -> Table:
    return _filled(Table("the data set", list(arrow.dataset_rows(dataset)), arrow.class_names(dataset)))


def _texts_and_labels(given: tuple[object, object], config: DataConfig) -> Table:
    texts, labels = (values_of(part) or () for part in given)
    if len(texts) != len(labels):
        raise InputError(
            f"the texts and labels: found {len(texts)} texts and {len(labels)} labels; each text needs one"
        )
    names = config.text or "text", config.label or "label"
    return _filled(
        Table("the texts and labels", [dict(zip(names, row, strict=True)) for row in zip(texts, labels, strict=True)])
    )


def _list(rows: Sequence[Any]) -> Table:
    for position, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise InputError(
                f"the list: row {position} is a {type(row).__name__}, expected a dict of columns; give texts and "
                "labels as two lists, (texts, labels)"
            )
    named = all(isinstance(name, str) for row in rows for name in row)
    return _filled(Table("the list", rows if named else [_named(row, i) for i, row in enumerate(rows)]))


def _named(row: Mapping[object, object], position: int) -> Row:
    names = [str(name) for name in row]
    refuse_twice(names, f"the list: row {position}")
    return dict(zip(names, row.values(), strict=True))


def _filled(table: Table) -> Table:
    if not table.rows:
        raise InputError(f"{table.name} has no rows")
    return table
