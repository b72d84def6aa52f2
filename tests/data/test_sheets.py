"""Excel's workbooks, as Excel and pandas write them."""

import datetime
import sys

import openpyxl
import pytest

from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError
from nlptl.core.records import Example
from nlptl.data import load_split, open_rows, stream


@pytest.fixture
def workbook(tmp_path):
    """Writes a workbook of sheets, each a list of lines."""

    def call(name="a.xlsx", **sheets):
        book = openpyxl.Workbook()
        book.remove(book.active)
        for title, lines in sheets.items():
            sheet = book.create_sheet(title)
            for line in lines:
                sheet.append(line)
        path = tmp_path / name
        book.save(path)
        return path

    return call


LINES = [["text", "label"], ["good", True], [5, False], [None, None], ["grün\nzwei", True]]


def read(path, columns, **settings):
    return load_split(path, DataConfig(**settings), columns, need_label=True)


def said(call, *args, **settings):
    with pytest.raises(InputError) as caught:
        list(call(*args, **settings))
    return str(caught.value)


def test_the_first_line_names_the_columns_and_empty_lines_are_no_rows(workbook, columns):
    assert read(workbook(Reviews=LINES), columns) == [
        Example(0, "good", None, "true"),
        Example(1, "5", None, "false"),
        Example(2, "grün\nzwei", None, "true"),
    ]


def test_errors_count_as_missing_and_dates_as_texts(workbook):
    day = datetime.datetime(2026, 1, 2)
    path = workbook(A=[[None, "text", "n", None], [0, "#N/A", day, None], [1, "b", 2.5, None]])
    assert list(open_rows(path, DataConfig())) == [
        {"": 0, "text": None, "n": day},
        {"": 1, "text": "b", "n": 2.5},
    ]


def test_of_several_sheets_the_first_is_read_and_that_is_told(workbook, columns, caplog):
    path = workbook(Reviews=LINES, Notes=[["text", "label"], ["other", "x"]])
    assert len(read(path, columns)) == 3
    assert "'Reviews', is read, not 'Notes'" in caplog.text and "--data.sheet" in caplog.text
    caplog.clear()
    assert [e.text for e in read(path, columns, sheet="Notes")] == ["other"]
    assert caplog.text == ""
    message = said(read, path, columns, sheet="Reviws")
    assert "no sheet 'Reviws' (did you mean 'Reviews'?)" in message


def test_new_rows_are_predicted_from_a_workbook(workbook, columns):
    path = workbook(A=[["text"], ["a"], ["b"]])
    assert [[e.text for e in part] for part in stream(path, DataConfig(), columns)] == [["a", "b"]]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "is empty"),
        ([["text", "label"]], "no rows"),
        ([["text", "text"], ["a", "b"]], "'text' twice"),
        ([["text", "label"], ["a", "b", "c"]], "more cells than the first line has names (2), such as 'c'"),
        ([["great film", 1], ["bad film", 0]], "no header line"),
    ],
)
def test_sheets_that_are_no_table_are_told(workbook, columns, lines, words):
    message = said(read, workbook(Reviews=lines), columns)
    assert words in message
    assert "a.xlsx" in message


def test_what_is_no_workbook_is_told(write, columns, workbook):
    assert "not an Excel workbook" in said(read, write("b.xlsx", "text,label\na,b\n"), columns)
    whole = workbook(A=LINES).read_bytes()
    assert "not an Excel workbook" in said(read, write("c.xlsx", whole[: len(whole) // 2]), columns)


def test_without_openpyxl_the_extra_is_named(workbook, columns, monkeypatch):
    path = workbook(A=LINES)
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    assert "pip install 'nlptl[xlsx]'" in said(read, path, columns)


def test_an_older_workbook_gets_advice(write, columns):
    assert "save it as .xlsx or .csv" in said(read, write("a.xls", "x"), columns)
