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


def sha256_of_content(content: Path | bytes) -> str:
    """Returns the sha256 of a file's content, or of bytes."""
    return hashlib.sha256(content).hexdigest() if isinstance(content, bytes) else sha256_of(content)


def git_sha1_of(content: Path | bytes) -> str:
    """Returns the name that git gives a file's content."""
    data = content if isinstance(content, bytes) else content.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
