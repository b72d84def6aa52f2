"""Keeps outputs of frozen layers for this and later runs, in memory-mapped files.

An entry is a folder of the cache, named by a hash of everything that its values depend on. The system's page cache
holds what is read often; nothing is copied. Entries are checked against their sha256 when they are opened; the least
recently used ones make room for new ones.
"""

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from filelock import FileLock

from nlptl.core.digest import sha256_of

STATES, DESCRIPTION = "states.bin", "states.json"
UNFINISHED = ".unfinished"  # suffix of an entry that is being made
BLOCK = 2**20
Shape = tuple[int, int]
Fill = Callable[[torch.Tensor], None]
LOGGER = logging.getLogger("nlptl")


def default_folder() -> Path:
    """Returns $NLPTL_CACHE, or nlptl in the user's cache folder; the temporary folder if there is no home."""
    given, caches = os.environ.get("NLPTL_CACHE"), os.environ.get("XDG_CACHE_HOME")
    if given:
        return Path(given)
    try:
        return Path(caches or "~/.cache").expanduser() / "nlptl"
    except RuntimeError:
        return Path(tempfile.gettempdir()) / "nlptl"


class Store:
    """The cache in one folder.

    Args:
        max_gib: most space of all entries together, in memory and on disk.
        folder: of the cache; None keeps entries in memory only, for the run alone.
    """

    def __init__(self, max_gib: float, folder: Path | None) -> None:
        self.max_bytes = int(max_gib * 2**30)
        self.folder = folder

    def get(self, key: Callable[[], str], shape: Shape, dtype: torch.dtype, fill: Fill) -> torch.Tensor | None:
        """Returns an entry, made anew if it is missing or damaged; None if it is larger than the whole store.

        Args:
            key: returns the hash of everything that the entry's values depend on.
            shape: of the entry.
            dtype: of the entry.
            fill: writes the values into an empty tensor; must give the same values each time.
        """
        if _n_bytes(shape, dtype) > self.max_bytes:
            return None
        if self.folder is not None and shape[0]:
            try:
                return self._on_disk(self.folder / key(), shape, dtype, fill)
            except (OSError, NotImplementedError) as error:  # the second: no locks there
                LOGGER.warning("the cache in %s cannot be used (%s): kept in memory for this run", self.folder, error)
        states = torch.empty(shape, dtype=dtype)
        fill(states)
        return states

    def _on_disk(self, entry: Path, shape: Shape, dtype: torch.dtype, fill: Fill) -> torch.Tensor:
        entry.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(entry.with_suffix(".lock")):  # another process that wants the same waits, and then finds it
            if not _is_whole(entry):
                self._make(entry, shape, dtype, fill)
            os.utime(entry / DESCRIPTION)
        return _mapped(entry / STATES, shape, dtype, shared=False)

    def _make(self, entry: Path, shape: Shape, dtype: torch.dtype, fill: Fill) -> None:
        n_bytes = _n_bytes(shape, dtype)
        unfinished = entry.with_name(entry.name + UNFINISHED)
        for old in (entry, unfinished):
            shutil.rmtree(old, ignore_errors=True)
        self._make_room(n_bytes)
        unfinished.mkdir()
        path = unfinished / STATES
        try:
            _reserve(path, n_bytes)
            fill(_mapped(path, shape, dtype, shared=True))
            found = {"shape": shape, "dtype": str(dtype), "sha256": sha256_of(path)}
            (unfinished / DESCRIPTION).write_text(json.dumps(found), encoding="utf-8")
            unfinished.rename(entry)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def _make_room(self, n_bytes: int) -> None:
        descriptions = (self.folder or Path()).glob(f"*/{DESCRIPTION}")
        entries = [path.parent for path in sorted(descriptions, key=lambda path: path.stat().st_mtime)]
        sizes = [(entry / STATES).stat().st_size for entry in entries]
        total = sum(sizes) + n_bytes
        for entry, size in zip(entries, sizes, strict=True):
            if total > self.max_bytes:
                shutil.rmtree(entry, ignore_errors=True)  # a run that reads it keeps its mapping
                total -= size


def _is_whole(entry: Path) -> bool:
    if not entry.exists():
        return False
    try:
        found = json.loads((entry / DESCRIPTION).read_text(encoding="utf-8"))
        whole = bool(found["sha256"] == sha256_of(entry / STATES))
    except (OSError, ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        LOGGER.warning("%s is damaged: it is computed again", entry)
    return whole


def _n_bytes(shape: Shape, dtype: torch.dtype) -> int:
    return shape[0] * shape[1] * dtype.itemsize


def _reserve(path: Path, n_bytes: int) -> None:
    """Reserves the space on disk: a full disk is an error here, but would be a crash when the mapping is written."""
    with path.open("wb") as stream:
        if hasattr(os, "posix_fallocate"):  # not on macOS and Windows
            os.posix_fallocate(stream.fileno(), 0, n_bytes)
            return
        for start in range(0, n_bytes, BLOCK):
            stream.write(bytes(min(BLOCK, n_bytes - start)))


def _mapped(path: Path, shape: Shape, dtype: torch.dtype, *, shared: bool) -> torch.Tensor:
    return torch.from_file(str(path), shared=shared, size=shape[0] * shape[1], dtype=dtype).view(shape)
