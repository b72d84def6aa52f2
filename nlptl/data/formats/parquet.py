"""Parquet files, read through `datasets` row group by row group."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError
from nlptl.data import arrow
from nlptl.data.files import unreadable
from nlptl.data.format import Format
from nlptl.data.packed import BROKEN, is_packed, open_bytes
from nlptl.data.table import Row, refuse_twice


class Parquet(Format):
    """Parquet: class ids become the names that the file declares."""

    suffixes: ClassVar[tuple[str, ...]] = (".parquet",)
    even: ClassVar[bool] = True

    def rows(self, path: Path, config: DataConfig) -> Iterator[Row]:
        """Yields the rows.

        Raises:
            InputError: the file is missing, is not parquet, has no rows, or has two columns with the same name.
        """
        empty = True
        with _opened(path) as dataset:
            for row in arrow.dataset_rows(dataset):
                empty = False
                yield row
        if empty:
            raise InputError(f"{path} has no rows")

    def classes(self, path: Path) -> Mapping[str, tuple[str, ...]]:
        """Returns the class names, in order, by column, if the file declares them."""
        with _opened(path) as dataset:
            return arrow.class_names(dataset)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Opens a parquet file, compressed or not, as a data set that is read while it is iterated.

    Raises:
        InputError: the file is missing, is not parquet, or has two columns with the same name.
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
            raise InputError(f"{path} cannot be read as parquet: {arrow.first_line(error)}") from error


@contextlib.contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    # Parquet is read from the end of the file, which a compressed stream does not allow.
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
