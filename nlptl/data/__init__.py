"""Where examples come from: sources, columns, splits, the audit, and the sample data."""

from nlptl.data.audit import audit, strict_error
from nlptl.data.corpus import load, load_split
from nlptl.data.examples import fingerprint
from nlptl.data.rows import open_rows

__all__ = ["audit", "fingerprint", "load", "load_split", "open_rows", "strict_error"]
