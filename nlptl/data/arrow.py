"""Everything that needs the `datasets` package: its objects, parquet files, the Hub."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nlptl.core.errors import InputError
from nlptl.data.files import unreadable
from nlptl.data.packed import BROKEN, is_packed, open_bytes
from nlptl.data.table import refuse_twice


def dataset_rows(dataset: Any) -> Iterator[dict[str, object]]:
    """Yields the rows of a `datasets` data set; class ids, also in lists, become their names, and -1 (none) None."""
    classes = class_names(dataset)
    for row in dataset:
        named = {column: _class_name(names, row[column]) for column, names in classes.items()}
        yield {**row, **named}


def class_names(dataset: Any) -> dict[str, tuple[str, ...]]:
    """Returns the names of the classes, in order, by column, for each column that declares some."""
    features = {column: getattr(f, "feature", f) for column, f in (dataset.features or {}).items()}
    return {column: tuple(f.names) for column, f in features.items() if hasattr(f, "names")}


@contextlib.contextmanager
def open_parquet(path: Path) -> Iterator[Any]:
    """Gives a parquet file, unpacked if it is packed, as an iterable data set that is read as it is consumed.

    Raises:
        InputError: the file is missing, is not parquet, or has two columns of one name.
    """
    import datasets
    from pyarrow import parquet

    with _unpacked(path) as plain:
        try:
            refuse_twice(parquet.read_schema(plain).names, str(path))
            yield datasets.load_dataset("parquet", data_files={"rows": str(plain)}, split="rows", streaming=True)
        except (ValueError, OSError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{path} cannot be read as parquet: {_first_line(error)}") from error


def load_hub(identifier: str) -> Any:
    """Returns a data set of the Hub, all its splits.

    Args:
        identifier: "namespace/name" or "namespace/name:config".

    Raises:
        InputError: it is not there, cannot be reached, or needs a config to be named.
    """
    import datasets

    name, _, config = identifier.partition(":")
    try:
        return datasets.load_dataset(name, config or None)
    except ConnectionError as error:
        raise InputError(
            f"{identifier!r}: there is no such file or folder, and the Hub could not be reached"
        ) from error
    except datasets.exceptions.DatasetNotFoundError as error:
        raise InputError(
            f"{identifier!r}: there is no such file or folder, and the Hub has no data set of that name, or not for "
            "everybody"
        ) from error
    except Exception as error:  # the Hub's client raises a dozen unrelated types
        raise InputError(
            f"{identifier!r}: there is no such file or folder, and the Hub did not give it: {_first_line(error)}"
        ) from error


@contextlib.contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    # Parquet is read from its end, which a packed stream cannot offer.
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "rows.parquet"
        try:
            with open_bytes(path) as packed:
                if not is_packed(path):
                    copy = path
                else:
                    with copy.open("wb") as plain:
                        shutil.copyfileobj(packed, plain)
        except (OSError, *BROKEN) as error:
            raise unreadable(path, error) from error
        yield copy


def _class_name(names: tuple[str, ...], value: object) -> object:
    if isinstance(value, list):
        return [_class_name(names, item) for item in value]
    if isinstance(value, int):
        return names[value] if value >= 0 else None
    return value


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
