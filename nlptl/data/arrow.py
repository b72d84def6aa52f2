"""Data sets of the `datasets` package and of the Hub."""

from collections.abc import Iterator
from typing import Any

from nlptl.core.errors import InputError


def dataset_rows(dataset: Any) -> Iterator[dict[str, object]]:
    """Yields the rows of a `datasets` data set; class ids, also in lists, become names, and -1 (no class) None."""
    classes = class_names(dataset)
    for row in dataset:
        named = {column: _class_name(names, row[column]) for column, names in classes.items()}
        yield {**row, **named}


def class_names(dataset: Any) -> dict[str, tuple[str, ...]]:
    """Returns the declared class names, in order, by column; columns without declared classes are left out."""
    features = {column: getattr(f, "feature", f) for column, f in (dataset.features or {}).items()}
    return {column: tuple(f.names) for column, f in features.items() if hasattr(f, "names")}


def load_hub(identifier: str) -> Any:
    """Returns a data set of the Hub, with all its splits.

    Args:
        identifier: "namespace/name" or "namespace/name:config".

    Raises:
        InputError: the data set does not exist, the Hub cannot be reached, or a config must be named.
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
            f"{identifier!r}: there is no such file or folder, and the Hub has no public data set of that name"
        ) from error
    except Exception as error:  # the Hub's client raises a dozen unrelated types
        raise InputError(
            f"{identifier!r}: there is no such file or folder, and the Hub failed: {first_line(error)}"
        ) from error


def _class_name(names: tuple[str, ...], value: object) -> object:
    if isinstance(value, list):
        return [_class_name(names, item) for item in value]
    if isinstance(value, int):
        return names[value] if value >= 0 else None
    return value


def first_line(error: Exception) -> str:
    """Returns the first line of an error's message, or its type if it has none."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
