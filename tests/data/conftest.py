"""A task's columns, and loading with fewer words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nlptl.config import DataConfig
from nlptl.data import load
from nlptl.records import Column, Corpus

COLUMNS = (
    Column("text", ("text", "sentence", "review")),
    Column("text_pair", ("text_pair", "sentence2"), required=False),
    Column("label", ("label", "sentiment", "stars")),
)

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
