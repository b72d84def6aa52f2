"""CoNLL files, a row a sentence."""

import gzip
import tracemalloc

import pytest

from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError
from nlptl.data import open_rows


def rows(write, content, name="a.conll"):
    return [(row["tokens"], row.get("tags")) for row in open_rows(write(name, content), DataConfig())]


@pytest.mark.parametrize("name", ["a.conll", "a.bio", "a.iob", "a.CONLL"])
def test_blank_lines_part_sentences(write, name):
    content = "\n\nAnn\tB-PER\nruns\tO\n\n\t\nRome\tB-LOC\n"
    assert rows(write, content, name) == [(["Ann", "runs"], ["B-PER", "O"]), (["Rome"], ["B-LOC"])]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_word_is_the_first_column_and_the_tag_the_last(write, end):
    content = end.join(["Ann NNP B-NP B-PER", "runs  VB B-VP O", "", "x - - O"])
    assert rows(write, content) == [(["Ann", "runs"], ["B-PER", "O"]), (["x"], ["O"])]


def test_a_packed_file_with_a_byte_order_mark_is_read(write):
    assert rows(write, gzip.compress(b"\xef\xbb\xbfAnn O\n"), "a.conll.gz") == [(["Ann"], ["O"])]


def test_words_between_tabs_may_hold_blanks(write):
    assert rows(write, "New York\tB-LOC\n\u00a0\tO\n") == [(["New York", "\u00a0"], ["B-LOC", "O"])]


def test_lines_that_start_documents_part_sentences_and_are_no_words(write):
    content = "-DOCSTART- -X- O O\n\nAnn NN I-NP B-PER\n-DOCSTART- -X- O O\nBob NN I-NP O\n"
    assert rows(write, content) == [(["Ann"], ["B-PER"]), (["Bob"], ["O"])]


@pytest.mark.parametrize(
    "comment", ["# newdoc", "# sent_id = 1", "# id 12-ab\tdomain=en", "# text = O", "# a comment of many words"]
)
def test_comments_before_a_sentence_are_no_words(write, comment):
    assert rows(write, f"{comment}\nAnn B-PER\n\n{comment}\nBob O\n") == [(["Ann"], ["B-PER"]), (["Bob"], ["O"])]


def test_a_comment_is_told_by_its_width_once_that_is_known(write):
    assert rows(write, "Ann B-PER\n\n# x y O\nBob O\n") == [(["Ann"], ["B-PER"]), (["Bob"], ["O"])]


def test_a_hash_is_a_word_where_it_has_a_tag(write):
    assert rows(write, "# O\n1 O\n\n#tag O\n\nx O\n# O\n") == [
        (["#", "1"], ["O", "O"]),
        (["#tag"], ["O"]),
        (["x", "#"], ["O", "O"]),
    ]
    assert rows(write, "x O\n# SYM\n") == [(["x", "#"], ["O", "SYM"])]


def test_a_file_of_words_alone_has_no_tags(write, rows_as):
    path = write("a.conll", "Ann\nruns\n\nBob\n")
    assert [e.text for e in rows_as("tags", path, need_label=False)] == ["Ann runs", "Bob"]
    with pytest.raises(InputError, match="no label column"):
        rows_as("tags", path)


@pytest.mark.parametrize("line", ["Bob", "Bob O O", "a b c d"])
def test_a_line_with_another_number_of_columns_gives_its_number(write, line):
    n = len(line.split())
    with pytest.raises(InputError, match=rf"a\.conll, line 3: found {n} columns, expected 2 as before"):
        rows(write, f"Ann B-PER\nruns O\n{line}\n")


@pytest.mark.parametrize("content", ["", "\n\n", "-DOCSTART- O\n\n"])
def test_a_file_without_sentences_is_said(write, content):
    with pytest.raises(InputError, match=r"a\.conll has no sentences; expected .* word and its tag"):
        rows(write, content)


def test_sentences_are_streamed_in_bounded_memory(write):
    path = write("a.conll", "word\tO\nother\tB-x\n\n" * 100_000)
    tracemalloc.start()
    assert sum(1 for _ in open_rows(path, DataConfig())) == 100_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < path.stat().st_size / 10


def test_a_folder_of_conll_files_gives_its_splits(read_as, write):
    write("d/train.conll", "Ann B-PER\nruns O\n\nBob B-PER\n")
    write("d/dev.bio", "Ann B-PER\n")
    folder = write("d/test.iob", "Ann I-PER\n").parent
    corpus = read_as("tags", folder)
    assert [len(split) for split in corpus.splits.values()] == [2, 1, 1]
    assert corpus.splits["test"][0].label == ("B-PER",)
    assert any("test (" in note and "1 tags repaired" in note for note in corpus.notes)
