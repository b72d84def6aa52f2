"""Packed files and encodings: what is inside is read, or what to do is said."""

import bz2
import gzip
import io
import lzma
import zipfile

import pytest

from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError
from nlptl.data import load_split
from tests.data.test_sources import WRITERS

ROWS = [{"text": f"größe {i}", "label": "ab"[i % 2]} for i in range(6)]


def zipped(*files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue()


PACKERS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


def texts(path, columns):
    return [e.text for e in load_split(path, DataConfig(), columns, need_label=True)]


def said(path, columns):
    with pytest.raises(InputError) as caught:
        texts(path, columns)
    return str(caught.value)


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_packed_files_are_read(write, columns, kind, suffix):
    path = write(f"a.{kind}.{suffix}", PACKERS[suffix](WRITERS[kind](ROWS)))
    assert texts(path, columns) == [row["text"] for row in ROWS]


@pytest.mark.parametrize(
    ("name", "inside", "kind"),
    [
        ("a.zip", "folder/a.csv", "csv"),
        ("a.csv.zip", "a.parquet", "parquet"),
        ("a.jsonl.ZIP", "a", "jsonl"),
    ],
)
def test_a_zip_file_with_a_single_file_is_read(write, columns, name, inside, kind):
    content = zipped((inside, WRITERS[kind](ROWS)), ("__MACOSX/folder/._a.csv", "x"), ("folder/", ""))
    assert texts(write(name, content), columns) == [row["text"] for row in ROWS]


def test_a_zip_file_with_several_files_is_to_be_unpacked(write, columns):
    message = said(write("a.zip", zipped(("train.csv", "x"), ("test.csv", "y"))), columns)
    assert "a single file" in message
    assert "found 2 (train.csv, test.csv)" in message
    assert "unpack it" in message
    assert "iob" not in message


def test_a_zip_file_with_another_type_inside_names_it(write, columns):
    message = said(write("a.zip", zipped(("notes.pdf", "x"))), columns)
    assert "'.pdf' of 'notes.pdf' inside" in message
    assert "no suffix of 'notes' inside" in said(write("b.zip", zipped(("notes", "x"))), columns)


@pytest.mark.parametrize("suffix", ["gz", "bz2", "xz", "zip"])
def test_a_name_that_promises_a_packed_file_is_told(write, columns, suffix):
    assert f"although its name ends in .{suffix}" in said(write(f"a.csv.{suffix}", "text,label\na,b\n"), columns)


@pytest.mark.parametrize("suffix", ["gz", "bz2", "xz", "zip"])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_cut_archives_are_told(write, columns, kind, suffix):
    content = WRITERS[kind](ROWS * 50)
    packed = zipped((f"a.{kind}", content)) if suffix == "zip" else PACKERS[suffix](content)
    message = said(write(f"a.{kind}.{suffix}", packed[: len(packed) // 2]), columns)
    assert "truncated or damaged" in message or "is not zip" in message


def test_a_missing_archive_is_told(tmp_path, columns):
    assert "not an existing file" in said(tmp_path / "a.zip", columns)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-32"])
@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
def test_the_byte_order_mark_says_the_encoding(write, columns, kind, encoding):
    content = WRITERS[kind](ROWS).decode()
    assert texts(write(f"a.{kind}", content.encode(encoding)), columns) == [row["text"] for row in ROWS]


def test_excels_unicode_text_is_read_under_a_csv_name_and_gets_advice_under_its_own(write, columns):
    content = "text\tlabel\r\ngrün, sagt er\tx\r\n".encode("utf-16")
    assert texts(write("a.csv", content), columns) == ["grün, sagt er"]
    assert ".tsv" in said(write("a.txt", content), columns)


def test_utf_16_that_is_cut_is_not_told_as_another_encoding(write, columns):
    message = said(write("a.csv", "text,label\na,b\n".encode("utf-16")[:-1]), columns)
    assert "UTF-16" in message
    assert "1252" not in message
