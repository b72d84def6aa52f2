"""The pages of comparisons and studies: neither is lost if its page cannot be written."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nlptl.runs.showing import written


def compared(folder: Path) -> None:
    """Writes the page of a comparison, and says where it is or why there is none."""
    written(folder, lambda: _write(folder))


def studied(folder: Path) -> None:
    """Writes the page of a study, and says where it is or why there is none."""
    written(folder, lambda: _write(folder))


@contextmanager
def reported(folder: Path, write_record: Callable[[], None]) -> Iterator[None]:
    """Writes the page of a study on exit, however it ends.

    Args:
        folder: of the study.
        write_record: writes study.json.
    """
    try:
        yield
    finally:
        with suppress(Exception):  # what ended the study is what the user must hear of
            write_record()
        studied(folder)


def _write(folder: Path) -> Path:
    from nlptl.studies.report.writing import write

    return write(folder)
