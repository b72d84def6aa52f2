"""Reads texts from .txt files: one folder per class, as in IMDb's reviews, or all in one folder."""

from collections.abc import Iterator
from pathlib import Path

from nlptl.data.files import text_lines
from nlptl.data.table import Row, Table

UNLABELLED = ("unsup", "unlabeled", "unlabelled")
"""Names of folders with unlabelled texts; IMDb has unsup."""


def holds_texts(folder: Path) -> bool:
    """Returns whether a folder holds .txt files, directly or one level down."""
    return bool(_class_folders(folder) or _texts(folder))


def read_texts(folder: Path) -> Table:
    """Returns one row per file, ordered by class and name: text, label (the name of its folder) and file.

    If there are class folders, texts beside them are not read. If there are none, the texts have no label.

    Raises:
        InputError: a file is not UTF-8 or cannot be read.
    """
    classes = _class_folders(folder)
    labelled = [name for name in classes if name.name.lower() not in UNLABELLED]
    notes = tuple(
        f"{path}: {len(_texts(path))} texts without a label are left out" for path in classes if path not in labelled
    )
    rows = [row for path in labelled for row in _rows(path, folder, {"label": path.name})]
    return Table(str(folder), rows if classes else list(_rows(folder, folder, {})), notes=notes)


def _class_folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and _texts(path))


def _texts(folder: Path) -> list[Path]:
    files = (path for path in folder.iterdir() if path.suffix.lower() == ".txt" and path.is_file())
    return sorted(path for path in files if not path.name.startswith("."))


def _rows(folder: Path, root: Path, label: dict[str, object]) -> Iterator[Row]:
    for path in _texts(folder):
        yield {"text": "".join(text_lines(path)), **label, "file": str(path.relative_to(root))}
