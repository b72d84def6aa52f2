"""The hash by which a file is known to be whole."""

from hashlib import file_digest
from pathlib import Path


def sha256_of(path: Path) -> str:
    """Returns the sha256 of a file's content."""
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()
