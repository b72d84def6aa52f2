"""Where examples come from: sources, columns, splits, the audit, and the sample data."""

from nlptl.data.audit import audit, strict_error
from nlptl.data.corpus import load, load_split
from nlptl.data.examples import fingerprint, named_as, unknown_label
from nlptl.data.folds import folds
from nlptl.data.rows import open_rows
from nlptl.data.streaming import NewRows, parts, stream, without_texts
from nlptl.data.writing import Predicted, check_writable, lines, write_parquet

__all__ = [
    "NewRows",
    "Predicted",
    "audit",
    "check_writable",
    "fingerprint",
    "folds",
    "lines",
    "load",
    "load_split",
    "named_as",
    "open_rows",
    "parts",
    "stream",
    "strict_error",
    "unknown_label",
    "without_texts",
    "write_parquet",
]
