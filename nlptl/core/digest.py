"""Hashes that show whether a file or value has changed."""

import hashlib
import json
from pathlib import Path


def sha256_of(path: Path) -> str:
    """Returns the sha256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_of_value(value: object) -> str:
    """Returns the sha256 of a JSON value; the order of keys does not matter."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
