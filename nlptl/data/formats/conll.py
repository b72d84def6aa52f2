"""CoNLL files: each line has a word and its tag, a blank line ends a sentence."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from nlptl.core.bio import OUTSIDE, TAG
from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError
from nlptl.data.files import text_lines
from nlptl.data.format import Format
from nlptl.data.table import Row

DOCUMENT = "-DOCSTART-"
COMMENT = re.compile(r"#[ \t]")


class Conll(Format):
    """CoNLL: one row per sentence, with its words as "tokens" and, if lines have more than a word, its "tags".

    The first column is the word, the last one the tag; columns are separated by tabs, or by blanks if there is no tab.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".conll", ".bio", ".iob")
    even: ClassVar[bool] = True

    def rows(self, path: Path, config: DataConfig) -> Iterator[Row]:
        """Yields the sentences.

        Raises:
            InputError: the file is empty, or a line has another number of columns than the first.
        """
        sentence: list[list[str]] = []
        empty = True
        for fields in _lines(path):
            if fields:
                sentence.append(fields)
            elif sentence:
                empty = False
                yield _row(sentence)
                sentence = []
        if sentence:
            yield _row(sentence)
        elif empty:
            raise InputError(
                f"{path} has no sentences; expected lines with a word and its tag, and blank lines between sentences"
            )


def _lines(path: Path) -> Iterator[list[str]]:
    """Yields the columns of each line; an empty list for blank lines and document marks; comments are left out."""
    width = 0
    tags: set[str] = set()
    in_sentence = False
    for number, line in enumerate(text_lines(path), 1):
        fields = _fields(line)
        if not in_sentence and _is_comment(line, fields, width, tags):
            continue
        in_sentence = bool(fields) and fields[0] != DOCUMENT
        if not in_sentence:
            yield []
            continue
        width = width or len(fields)
        if len(fields) != width:
            raise InputError(
                f"{path}, line {number}: found {len(fields)} columns, expected {width} as before: the word first, its "
                "tag last, separated by tabs if words contain blanks"
            )
        tags.update(fields[1:][-1:])
        yield fields


def _fields(line: str) -> list[str]:
    line = line.rstrip("\r\n")
    if not line.strip():
        return []
    return line.split("\t") if "\t" in line else re.split(" +", line.strip(" "))


def _is_comment(line: str, fields: list[str], width: int, tags: set[str]) -> bool:
    # "#" may also be a word: "# newdoc" is a comment, "# O" is not.
    if not COMMENT.match(line):
        return False
    last = fields[-1]
    if len(fields) != (width or len(fields)) or fields[2:3] == ["="]:
        return True
    return not (last in tags or last == OUTSIDE or TAG.fullmatch(last))


def _row(sentence: list[list[str]]) -> dict[str, object]:
    words = [fields[0] for fields in sentence]
    if len(sentence[0]) == 1:
        return {"tokens": words}
    return {"tokens": words, "tags": [fields[-1].strip() for fields in sentence]}
