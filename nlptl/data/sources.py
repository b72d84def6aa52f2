"""What the user may give as data, and the splits that each kind of source has."""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError, nearest
from nlptl.data import arrow
from nlptl.data.files import READABLE, file_type, nearest_file, without_gz
from nlptl.data.rows import read_file
from nlptl.data.table import Table

SAMPLES = Path(__file__).parent / "samples"
SPLIT_NAMES = {
    "train": "train",
    "validation": "validation",
    "valid": "validation",
    "dev": "validation",
    "val": "validation",
    "test": "test",
}
"""The split that each name stands for, as a file's stem or as a key."""

EXPECTED = (
    "expected a file, a folder, a Hub id, sample:NAME, a pandas frame, a data set, "
    "a list of dicts, (texts, labels), or a dict of these by split"
)
WHOLE = "whole"
"""Key of a source that is not divided into splits."""


@dataclass(frozen=True)
class Source:
    """Something that gives one table, or one by split; a table is read when it is asked for."""

    name: str
    splits: Mapping[str, Callable[[], Table]]
    ignored: tuple[str, ...] = ()
    """Splits that stand for none of train, validation and test."""

    def has(self, split: str) -> bool:
        """Returns whether the source itself tells this split from others."""
        return split in self.splits

    def table(self, split: str) -> Table:
        """Returns the table of a split, or the only one where the source is not divided.

        Raises:
            InputError: it has other splits only.
        """
        read = self.splits.get(split) or self.splits.get(WHOLE)
        if read is None:
            raise InputError(f"{self.name} has no {split} split, found {', '.join(self.splits)}")
        return read()


def find_source(given: object, config: DataConfig) -> Source:
    """Returns the source for what the user gave.

    Raises:
        InputError: it is of no known kind, does not exist, or its splits are not clear.
    """
    if isinstance(given, str):
        return _named(given, config)
    if isinstance(given, Path):
        return _on_disk(given, config)
    if isinstance(given, Mapping):
        return _by_split(given, config)
    name, read = _in_memory(given)
    return Source(name, {WHOLE: read})


def _named(given: str, config: DataConfig) -> Source:
    if given.startswith("sample:"):
        return _on_disk(_sample_folder(given.removeprefix("sample:")), config)
    path = Path(given).expanduser()
    if path.exists() or not _may_be_hub_id(given):
        return _on_disk(path, config)
    try:
        return _by_split(arrow.load_hub(given), config, given)
    except InputError as error:
        raise InputError(f"{error}{nearest_file(path)}") from error


def _may_be_hub_id(given: str) -> bool:
    return bool(re.fullmatch(r"[\w.-]+/[\w.-]+(:[\w.-]+)?", given)) and not re.search(r"\.[A-Za-z]{1,8}$|^\.", given)


def _sample_folder(name: str) -> Path:
    known = sorted(p.name for p in SAMPLES.iterdir() if p.is_dir())
    if name not in known:
        raise InputError(f"there is no sample {name!r}{nearest(name, known)}; known: {', '.join(known)}")
    return SAMPLES / name


def _on_disk(path: Path, config: DataConfig) -> Source:
    if path.is_dir():
        return _folder(path, config)
    if not path.exists():
        raise InputError(
            f"{path} is not an existing file, folder or Hub id (namespace/name[:config]){nearest_file(path)}"
        )
    file_type(path)
    return Source(str(path), {WHOLE: partial(read_file, path, config)})


def _folder(path: Path, config: DataConfig) -> Source:
    files: dict[str, Path] = {}
    for file in sorted(path.iterdir()):
        stem, _, suffix = without_gz(file.name.lower()).rpartition(".")
        split = SPLIT_NAMES.get(stem)
        if split is None or f".{suffix}" not in READABLE:
            continue
        if split in files:
            raise InputError(
                f"{path}: {files[split].name} and {file.name} both stand for {split}; "
                f"give the one to use as --data.{split}, and move or rename the other"
            )
        files[split] = file
    if not files:
        found = ", ".join(sorted(p.name for p in path.iterdir())[:10]) or "nothing"
        raise InputError(
            f"the folder {path} has no train, validation or test file ({', '.join(READABLE)}), found {found}"
        )
    return Source(str(path), {split: partial(read_file, file, config) for split, file in files.items()})


def _by_split(given: Mapping[str, object], config: DataConfig, hub_id: str | None = None) -> Source:
    name = hub_id or "the dict"
    known = {key: SPLIT_NAMES[key] for key in given if key in SPLIT_NAMES}
    other = tuple(str(key) for key in given if key not in SPLIT_NAMES)
    # A data set of the Hub may well have further splits; in a dict that the user wrote, such a key is a slip.
    if not known or (other and type(given) is dict):
        key = other[0] if other else ""
        raise InputError(
            f"{name}: expected the keys train, validation, test, found {', '.join(map(repr, given)) or 'none'}"
            f"{nearest(key, SPLIT_NAMES)}; a dict of columns is given as pandas.DataFrame(...)"
        )
    if len(set(known.values())) < len(known):
        raise InputError(f"{name}: the keys {', '.join(known)} stand for the same split; keep one of them")
    return Source(
        name, {split: partial(_part, given[key], split, config, hub_id) for key, split in known.items()}, other
    )


def _part(given: object, split: str, config: DataConfig, hub_id: str | None) -> Table:
    table = find_source(given, config).table(split)
    return replace(table, name=hub_id) if hub_id else table


def _in_memory(given: object) -> tuple[str, Callable[[], Table]]:
    pandas, datasets = sys.modules.get("pandas"), sys.modules.get("datasets")
    if pandas is not None and isinstance(given, pandas.DataFrame):
        return "the data frame", partial(_frame, given)
    if datasets is not None and isinstance(given, datasets.Dataset | datasets.IterableDataset):
        return "the data set", partial(_dataset, given)
    if isinstance(given, tuple) and len(given) == 2 and not any(isinstance(part, str | Mapping) for part in given):
        return "the texts and labels", partial(_pair, *given)
    if isinstance(given, list | tuple):
        return "the list", partial(_list, given)
    raise InputError(f"data of type {type(given).__name__} cannot be used; {EXPECTED}")


def _frame(frame: Any) -> Table:
    plain = frame.astype(object).where(frame.notna(), None)
    plain.columns = plain.columns.map(str)
    return _filled(Table("the data frame", plain.to_dict("records")))


def _dataset(dataset: object) -> Table:
    return _filled(Table("the data set", list(arrow.dataset_rows(dataset)), arrow.class_names(dataset)))


def _pair(texts: Any, labels: Any) -> Table:
    parts = [
        part.tolist() if hasattr(part, "tolist") else part for part in (texts, labels)
    ]  # arrays and frames' columns
    for part in parts:
        if not isinstance(part, list | tuple):
            raise InputError(f"(texts, labels): expected two lists of the same length, found a {type(part).__name__}")
    if len(parts[0]) != len(parts[1]):
        raise InputError(f"(texts, labels): found {len(parts[0])} texts and {len(parts[1])} labels, one each is needed")
    rows = [{"text": text, "label": label} for text, label in zip(*parts, strict=True)]
    return _filled(Table("the texts and labels", rows))


def _list(rows: Sequence[Any]) -> Table:
    for position, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise InputError(f"the list: row {position} is a {type(row).__name__}, expected a dict of columns")
    return _filled(Table("the list", rows))


def _filled(table: Table) -> Table:
    if not table.rows:
        raise InputError(f"{table.name} has no rows")
    return table
