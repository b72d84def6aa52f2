"""What the peers share: rows in, a report out."""

import csv
import json
import resource
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

EVALUATION_BATCH = 64


@dataclass(frozen=True)
class Files:
    """What every peer is given."""

    train: Path
    """Tab-separated, with the columns sentence and label."""
    validation: Path
    model: Path
    """Folder of the pretrained model."""
    output: Path
    """File of the report."""
    seed: int
    max_length: int = 256
    """Tokens kept of each sentence, as nlptl's default."""


@dataclass(frozen=True)
class Rows:
    """The rows of a file."""

    texts: list[str]
    labels: list[int]


@dataclass(frozen=True)
class Outcome:
    """What a peer found."""

    accuracy: float
    train_s: float
    """Without loading, tokenizing and evaluation."""
    n_examples: int
    """Training examples computed in that time, each epoch counted."""
    n_parameters: int
    n_trainable: int


def read(path: Path) -> Rows:
    """Returns the rows of a tab-separated file, whose quotes are literal."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    return Rows([row["sentence"] for row in rows], [int(row["label"]) for row in rows])


@torch.no_grad()
def accuracy(model: Any, tokenizer: Any, rows: Rows, max_length: int) -> float:
    """Returns the share of rows that a classifier labels right, computed in float32."""
    model.eval()
    n_right = 0
    for start in range(0, len(rows.texts), EVALUATION_BATCH):
        some = slice(start, start + EVALUATION_BATCH)
        batch = tokenizer(rows.texts[some], padding=True, truncation=True, max_length=max_length, return_tensors="pt")
        found = model(**batch).logits.argmax(-1)
        n_right += int((found == torch.tensor(rows.labels[some])).sum())
    return n_right / len(rows.texts)


def write(settings: Files, outcome: Outcome, n_rows: dict[str, int]) -> None:
    """Writes the report, in the form of a benchmark's record."""
    paths = ("train", "validation", "model", "output", "seed")
    report = {
        "metrics": {"accuracy": outcome.accuracy},
        "examples_per_s": outcome.n_examples / outcome.train_s,
        "train_s": outcome.train_s,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "parameters": {"total": outcome.n_parameters, "trainable": outcome.n_trainable},
        "rows": n_rows,
        "settings": {k: v for k, v in asdict(settings).items() if k not in paths},
    }
    settings.output.write_text(json.dumps(report, indent=1), encoding="utf-8")
