"""Sources of data: files, folders, Hub ids and data in memory, with their splits."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError, nearest
from nlptl.data import arrow
from nlptl.data.files import nearest_file, split_suffix
from nlptl.data.format import format_of, readable, with_suffix
from nlptl.data.memory import EXPECTED, in_memory
from nlptl.data.rows import read_file
from nlptl.data.table import Table
from nlptl.data.text_folders import holds_texts, read_texts

SAMPLES = Path(__file__).parent / "samples"
SPLIT_NAMES = {
    "train": "train",
    "validation": "validation",
    "valid": "validation",
    "dev": "validation",
    "val": "validation",
    "test": "test",
}
"""Names of splits, as the stem of a file or as a key, and the split that each means."""

WHOLE = "whole"
"""Key of a source that is not divided into splits."""


@dataclass(frozen=True)
class Source:
    """One table, or one table per split; tables are read only when `table` is called."""

    name: str
    splits: Mapping[str, Callable[[], Table]]
    ignored: tuple[str, ...] = ()
    """Splits that are neither train, validation nor test."""

    def has(self, split: str) -> bool:
        """Returns whether the source has this split."""
        return split in self.splits

    def table(self, split: str) -> Table:
        """Returns the table of a split, or the only table of a source without splits.

        Raises:
            InputError: the source has only other splits.
        """
        read = self.splits.get(split) or self.splits.get(WHOLE)
        if read is None:
            raise InputError(f"{self.name} has no {split} split, found {', '.join(self.splits)}")
        return read()


def find_source(given: object, config: DataConfig) -> Source:
    """Returns the source for the data that the user gave.

    Raises:
        InputError: the type is not supported, the source does not exist, or its splits are ambiguous.
    """
    if isinstance(given, str):
        return _named(given, config)
    if isinstance(given, Path):
        return _on_disk(given, config)
    if isinstance(given, Mapping):
        return _by_split(given, config)
    name, read = in_memory(given, config)
    return Source(name, {WHOLE: read})


def _named(given: str, config: DataConfig) -> Source:
    if not given.strip():
        raise InputError(f"the name of the data is empty; {EXPECTED}")
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
    format_of(path)
    return Source(str(path), {WHOLE: partial(read_file, path, config)})


def _folder(path: Path, config: DataConfig) -> Source:
    tables = {file: split for file in sorted(path.iterdir()) if (split := _split_of_file(file))}
    if tables:
        return Source(str(path), _one_each(path, tables, lambda file: read_file(file, config)))
    folders = {file: split for file in sorted(path.iterdir()) if (split := _split_of_folder(file))}
    if folders:
        return Source(str(path), _one_each(path, folders, read_texts))
    if holds_texts(path) and not any(file.stem.lower() in SPLIT_NAMES for file in path.iterdir()):
        return Source(str(path), {WHOLE: partial(read_texts, path)})
    found = ", ".join(sorted(p.name for p in path.iterdir())[:10]) or "nothing"
    raise InputError(
        f"the folder {path} has no train, validation or test file ({', '.join(readable())}), and no folder of .txt "
        f"files per class; found {found}"
    )


def _split_of_file(file: Path) -> str | None:
    stem, suffix = split_suffix(file.name)
    split = SPLIT_NAMES.get(stem)
    return split if split and with_suffix(suffix) else None


def _split_of_folder(folder: Path) -> str | None:
    return SPLIT_NAMES.get(folder.name.lower()) if folder.is_dir() and holds_texts(folder) else None


def _one_each(path: Path, splits: Mapping[Path, str], read: Callable[[Path], Table]) -> dict[str, Callable[[], Table]]:
    by_split: dict[str, Path] = {}
    for file, split in splits.items():
        if split in by_split:
            raise InputError(
                f"{path}: {by_split[split].name} and {file.name} are both {split} data; "
                f"give one of them as --data.{split}, and move or rename the other"
            )
        by_split[split] = file
    return {split: partial(read, file) for split, file in by_split.items()}


def _by_split(given: Mapping[str, object], config: DataConfig, hub_id: str | None = None) -> Source:
    name = hub_id or "the dict"
    known = {key: SPLIT_NAMES[key] for key in given if key in SPLIT_NAMES}
    other = tuple(str(key) for key in given if key not in SPLIT_NAMES)
    # A data set of the Hub may have further splits; in a dict that the user wrote, another key is a mistake.
    if not known or (other and type(given) is dict):
        key = other[0] if other else ""
        raise InputError(
            f"{name}: expected the keys train, validation, test, found {', '.join(map(repr, given)) or 'none'}"
            f"{nearest(key, SPLIT_NAMES)}; a dict of columns is given as pandas.DataFrame(...)"
        )
    if len(set(known.values())) < len(known):
        raise InputError(f"{name}: the keys {', '.join(known)} mean the same split; keep one of them")
    return Source(
        name, {split: partial(_part, given[key], split, config, hub_id) for key, split in known.items()}, other
    )


def _part(given: object, split: str, config: DataConfig, hub_id: str | None) -> Table:
    table = find_source(given, config).table(split)
    return replace(table, name=hub_id) if hub_id else table
