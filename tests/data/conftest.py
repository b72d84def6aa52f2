"""A task's columns, and loading with fewer words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nlptl.core.config import DataConfig
from nlptl.core.records import Column, Corpus, Example
from nlptl.data import load, load_split

COLUMNS = (
    Column("text", ("text", "sentence", "review")),
    Column("text_pair", ("text_pair", "sentence2"), required=False),
    Column("label", ("label", "sentiment", "stars"), kind="class"),
)

WORDS = Column("text", ("tokens", "words", "text"), kind="words")
BY_KIND = {
    "classes": (*COLUMNS[:2], Column("label", ("label", "labels"), kind="classes")),
    "number": (*COLUMNS[:2], Column("label", ("label", "score"), kind="number")),
    "text": (COLUMNS[0], Column("label", ("label", "summary"), kind="text")),
    "tags": (WORDS, Column("label", ("ner_tags", "tags", "labels", "entities", "spans"), kind="tags")),
    "span": (
        Column("question", ("question",), fills="text"),
        Column("context", ("context",), fills="text_pair"),
        Column("answers", ("answers", "answer"), fills="label", kind="span"),
    ),
}
"""What tasks with other labels than a single class read."""

ReadSettings = Callable[..., Corpus]
WriteFile = Callable[..., Path]


@pytest.fixture
def columns() -> tuple[Column, ...]:
    """What the task under test reads."""
    return COLUMNS


@pytest.fixture
def read() -> ReadSettings:
    """Loads a corpus: the first argument is `data.train`, keywords are other fields of `DataConfig`."""

    def call(train: Any = None, seed: int = 0, **settings: Any) -> Corpus:
        return load(DataConfig(train=train, **settings), COLUMNS, sample="reviews", seed=seed)

    return call


@pytest.fixture
def by_kind() -> dict[str, tuple[Column, ...]]:
    """Columns by the kind of their label."""
    return BY_KIND


@pytest.fixture
def read_as() -> ReadSettings:
    """Loads a corpus of a kind: the first arguments are the kind and `data.train`, keywords as of `read`."""

    def call(kind: str, train: Any, seed: int = 0, **settings: Any) -> Corpus:
        return load(DataConfig(train=train, **settings), BY_KIND[kind], sample="reviews", seed=seed)

    return call


@pytest.fixture
def rows_as() -> Callable[..., list[Example]]:
    """Reads one labelled table of a kind, without dividing it: the first arguments are the kind and the source."""

    def call(kind: str, source: Any, *, need_label: bool = True, **settings: Any) -> list[Example]:
        return load_split(source, DataConfig(**settings), BY_KIND[kind], need_label=need_label)

    return call


@pytest.fixture
def write(tmp_path: Path) -> WriteFile:
    """Writes text or bytes to a file of the test's folder, by default one with enough rows for a division."""

    def call(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return call


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    """Forty rows, a quarter of them "bad"."""
    return [{"text": f"text {i}", "label": "bad" if i % 4 == 0 else "good"} for i in range(40)]
