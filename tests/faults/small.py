"""A tiny random BERT, reviews to train it on, and the command line in-process: what runs in tests are made of."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from string import ascii_lowercase, digits
from typing import Any, NamedTuple

import pytest

from nlptl.cli import command

SENTENCES = (
    "the film was a wonderful surprise and i loved every minute",
    "a dull plot with wooden actors and a terrible ending",
    "the kettle boils fast and looks lovely on the table",
    "this pan burnt my dinner and broke after a week",
    "good music , great pictures , fine jokes",
    "bad sound , awful light , poor story",
    "i would buy it again for my whole family",
    "i want my money back for this boring thing",
    "best evening of the year in the cinema",
    "worst knife in the drawer , it cuts nothing",
)
GOOD = ("wonderful", "lovely", "great", "fine", "best", "loved")
BAD = ("terrible", "awful", "poor", "boring", "worst", "broke")
PLAIN = ("plain", "usual", "common", "whole", "long", "short")
THINGS = ("film", "plot", "kettle", "pan", "music", "story", "knife", "table")

QUICK = ("--train.precision", "fp32", "--eval.n_bootstrap", "100", "--eval.baselines", "none")
"""What every run here is told, so that it takes little time and its numbers do not depend on the machine."""


class Said(NamedTuple):
    """What a command line answered."""

    status: int
    out: str
    err: str


def say(capsys: pytest.CaptureFixture[str], *argv: object) -> Said:
    """Runs a command line in this process."""
    capsys.readouterr()
    status = command([str(word) for word in argv])
    return Said(status, *capsys.readouterr())


def make_bert(folder: Path) -> Path:
    """Writes a random BERT of 2 layers and 32 hidden units, whose tokenizer knows the words of ten sentences.

    The vocabulary is listed, not trained: training breaks ties by chance, and losses are pinned on it.
    """
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast, logging

    letters = [*ascii_lowercase, *digits, ","]
    words = sorted(
        {word for sentence in SENTENCES for word in sentence.split() if len(word) > 1} | {*GOOD, *BAD, *PLAIN, *THINGS}
    )
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{x}" for x in letters), *words]
    tokenizer = BertTokenizerFast(vocab={piece: i for i, piece in enumerate(pieces)})
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.2,  # so that rows differ, and three updates are seen
    )
    logging.disable_progress_bar()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertModel(config).save_pretrained(folder)
    logging.enable_progress_bar()
    tokenizer.save_pretrained(folder)
    return folder


def reviews(n: int, labels: Sequence[str] = ("negative", "positive"), start: int = 0) -> list[dict[str, str]]:
    """Returns n rows whose first words tell their labels (at most three); no text stands twice, whatever `start`."""
    rows = []
    for i in range(start, start + n):
        kind = i % len(labels)
        word = (BAD, GOOD, PLAIN)[kind][i % 5]
        rows.append({"text": f"{word} {THINGS[i % 7]} {i}", "label": labels[kind]})
    return rows


def write_csv(path: Path, rows: Iterable[Mapping[str, object]], delimiter: str = ",") -> Path:
    """Writes rows as a csv or tsv file."""
    rows = list(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_splits(folder: Path, labels: Sequence[str] = ("negative", "positive")) -> Path:
    """Writes a folder of train (48 rows), validation (16) and test (20)."""
    write_csv(folder / "train.csv", reviews(48, labels))
    write_csv(folder / "validation.csv", reviews(16, labels, 100))
    write_csv(folder / "test.csv", reviews(20, labels, 200))
    return folder


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Returns the objects of a JSON-lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Returns every file below a folder with its content, and every folder."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob("*"))}
