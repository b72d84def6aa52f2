"""Excel workbooks: the rows of one sheet, whose first line has the column names."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError, nearest
from nlptl.data.format import Format
from nlptl.data.packed import open_bytes
from nlptl.data.table import Row, refuse_twice


class Xlsx(Format):
    """Excel: the rows of `data.sheet`, by default the first one; empty lines are skipped.

    A formula is read as the value that Excel computed, an error such as #N/A as missing.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".xlsx",)
    headed: ClassVar[bool] = True
    at_once: ClassVar[bool] = True

    def rows(self, path: Path, config: DataConfig) -> Iterator[Row]:
        """Yields the rows.

        Raises:
            InputError: the file is not a workbook, lacks the sheet, has no rows, or openpyxl is not installed.
        """
        name, lines = _lines(path, config.sheet)
        where = f"{path}, sheet {name!r}"
        if not lines:
            raise InputError(f"{where} is empty; expected a line with the column names, then rows")
        names = ["" if value is None else str(value).strip() for value in lines[0]]
        refuse_twice(names, f"{where}: the first line")
        if len(lines) == 1:
            raise InputError(f"{where} has a line with the column names but no rows")
        for line in lines[1:]:
            if any(value is not None for value in line[len(names) :]):
                raise InputError(
                    f"{where}: a row has more cells than the first line has names ({len(names)}), such as "
                    f"{line[len(names)]!r}; name its column"
                )
            yield dict(zip(names, [*line, *[None] * len(names)], strict=False))

    def notes(self, path: Path, config: DataConfig) -> tuple[str, ...]:
        """Returns a note on the sheets that are not read, if there are several and none was chosen."""
        names = _sheets(path)
        if config.sheet is not None or len(names) == 1:
            return ()
        others = ", ".join(map(repr, names[1:]))
        return (f"{path}: the first sheet, {names[0]!r}, is read, not {others} (choose with --data.sheet)",)


def _sheets(path: Path) -> list[str]:
    with open_bytes(path) as raw:
        return [sheet.title for sheet in _workbook(path, raw).worksheets]


def _lines(path: Path, wanted: str | None) -> tuple[str, list[list[object]]]:
    """Returns the sheet's name, and the cells of each line without the empty ones at its end."""
    with open_bytes(path) as raw, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns of features that it could not write back
        book = _workbook(path, raw)
        sheets = {sheet.title: sheet for sheet in book.worksheets}
        name = wanted or next(iter(sheets))
        if name not in sheets:
            raise InputError(
                f"{path} has no sheet {name!r}{nearest(name, sheets)}; sheets: {', '.join(map(repr, sheets))}"
            )
        sheets[name].reset_dimensions()  # some programs write wrong dimensions
        try:
            lines = [_cells(line) for line in sheets[name].iter_rows()]
        except Exception as error:  # a damaged workbook breaks openpyxl in many ways
            raise _broken(path, error) from error
    return name, [line for line in lines if line]


def _workbook(path: Path, raw: Any) -> Any:
    try:
        import openpyxl
    except ImportError as error:
        raise InputError(
            f"{path}: reading .xlsx needs openpyxl (pip install 'nlptl[xlsx]'); or save the sheet as .csv"
        ) from error
    try:
        book = openpyxl.load_workbook(raw, read_only=True, data_only=True)
    except Exception as error:  # see `_lines`
        raise _broken(path, error) from error
    if not book.worksheets:
        raise InputError(f"{path} has no sheet with cells")
    return book


def _cells(line: Any) -> list[object]:
    values = [None if cell.data_type == "e" or cell.value == "" else cell.value for cell in line]
    while values and values[-1] is None:
        values.pop()
    return values


def _broken(path: Path, error: Exception) -> InputError:
    return InputError(
        f"{path} is not an Excel workbook (.xlsx), damaged, or protected by a password ({error}); save it again, or "
        "as .csv"
    )
