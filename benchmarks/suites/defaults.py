"""The plain command against somebody else's tuned grid: six data sets, three sizes each, with MiniLM.

nlptl gets the files and no setting at all. Of a case's N rows 80 % are for training and 20 % for choosing; all systems
get the same two files, and all are scored on the same test rows, which choose nothing and are the same for all seeds.

python benchmarks/run.py --suite defaults --data ../shared/data --seeds 0,1,2
python benchmarks/run.py --suite defaults --data ../shared/data --only sst2_300,imdb_300/trainer_grid --timeout 40000
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cases import NLPTL, Case, Pair, Scale, Target

from suites import sentiment

SIZES = (300, 1_000, 3_000)
FEW = 300
"""Rows up to which SetFit runs: its pairs grow with the square of the rows; of 1,000 rows it makes 320,000 and more."""
TRAIN_SHARE = 0.8
STRENGTHS = (0.1, 1.0, 10.0, 100.0)
"""What TF-IDF tries as scikit-learn's C: seeds 0, 1 and 2 of sst2_300 choose 1, 100 and 10."""
N_LONG, N_SHORT, N_SMOKE = 1_000, 2_000, 64
TEST_SEED = 13
MEASURES = ("accuracy", "macro_f1")
AUTO, RATE, HYBRID, GRID = "nlptl_auto", "nlptl_lr_auto", "nlptl_hybrid", "trainer_grid"
NOISE = 0.03  # of a difference of accuracies on 1,000 rows: about 1.5 standard errors of such a difference
CLASSIFICATION = ("-m", "nlptl", "train", "classification")
CELLS = {"full": "benchmarks/results/cells", "smoke": "benchmarks/results/cells-smoke"}
"""Where it is kept what is known of each grid, from the repository's root, in which programs run."""


@dataclass(frozen=True)
class Data:
    """A data set of single labels."""

    name: str
    train: tuple[str, ...]
    """Files, in the folder of the data sets."""
    test: tuple[str, ...]
    n_test: int = N_LONG
    text: str = "text"
    label: str = "label"


DOMAINS = ("books", "dvd", "electronics", "kitchen")
SETS = (
    Data("sst2", ("sst2/train.tsv",), ("sst2/test-labeled.tsv",), N_SHORT, text="sentence"),
    Data("ag_news", ("ag_news_7k/train.tsv",), ("ag_news_7k/test.tsv",)),
    Data("20newsgroups", ("20newsgroups/train.jsonl",), ("20newsgroups/test.jsonl",)),
    Data("imdb", ("imdb_subset/train.tsv",), ("imdb_subset/test.tsv",)),
    Data(
        "amazon",
        tuple(f"amazon_multidomain/{domain}.train.tsv" for domain in DOMAINS),
        tuple(f"amazon_multidomain/{domain}.test.tsv" for domain in DOMAINS),
    ),
    Data("goemotions", ("goemotions/train.tsv",), ("goemotions/test.tsv",), N_SHORT, label="labels"),
)

TARGETS = tuple(
    Target(f"{data.name}_{n}", "accuracy", ">=", -NOISE, "difference", (f"{data.name}_{n}", GRID))
    for n in SIZES
    for data in SETS
)
PAIRS = (
    Pair(NLPTL, "trainer"),
    Pair(NLPTL, GRID),
    Pair(NLPTL, "setfit"),
    Pair(NLPTL, "tfidf"),
    Pair(NLPTL),
    Pair(AUTO, GRID),
    Pair(AUTO, NLPTL),
    Pair(AUTO),
    Pair(RATE, NLPTL),
    Pair(HYBRID, GRID),
    Pair(HYBRID, "setfit"),
    Pair(HYBRID, NLPTL),
    Pair(HYBRID),
)


def cases(scale: Scale) -> list[Case]:
    """Returns the cases in the order in which they run; at smoke scale all sizes would be the same."""
    return [
        case for n_rows in (SIZES if scale == "full" else (FEW,)) for data in SETS for case in _of(data, n_rows, scale)
    ]


def _of(data: Data, n_rows: int, scale: Scale) -> list[Case]:
    smoke, name = scale == "smoke", f"{data.name}_{n_rows}"
    auto = {"method": "auto", "train.minutes": 1 if smoke else 10}
    grid = {"cells": f"{CELLS[scale]}/{name}.json", **({"lrs": (5e-5, 5e-4), "lengths": (1,)} if smoke else {})}
    programs: list[tuple[str, tuple[str, ...], dict[str, Any]]] = [
        (NLPTL, CLASSIFICATION, {}),
        (AUTO, CLASSIFICATION, auto),
        (RATE, CLASSIFICATION, {"train.lr": "auto"}),
        (HYBRID, CLASSIFICATION, {"method": "hybrid"}),
        ("trainer", _peer("trainer_as_it_comes"), {}),
        (GRID, _peer("trainer_grid"), grid),
        ("setfit", _peer("setfit_as_it_comes"), {"max_steps": 3} if smoke else {}),
        ("tfidf", _peer("tfidf"), {"strengths": STRENGTHS}),
    ]
    rows = f"{data.name}/{n_rows}"
    scored = {"validation": f"{rows}/validation", "test": f"{data.name}/test"}
    return [
        Case(name, system, program, f"{rows}/train", "minilm", options, scored, MEASURES)
        for system, program, options in programs
        if system != "setfit" or n_rows <= FEW
    ]


def _peer(module: str) -> tuple[str, ...]:
    return "-m", f"peers.{module}"


def inputs(data: Path, folder: Path, scale: Scale) -> DefaultsInputs:
    """Returns the inputs, which read from `data` and write to `folder`."""
    return DefaultsInputs(data, folder, scale)


class DefaultsInputs:
    """Rows of a text and a label as JSON lines, and MiniLM.

    Args:
        data: the folder of the data sets.
        folder: for what is made here.
        scale: smoke cuts all files to a few rows.
    """

    def __init__(self, data: Path, folder: Path, scale: Scale) -> None:
        self.data, self.folder, self.smoke = data, folder, scale == "smoke"
        self.sets = {known.name: known for known in SETS}
        self.model = sentiment.inputs(data, folder, scale).model

    def train(self, name: str, seed: int) -> Path:
        """Returns the file of some rows: SET/N/train, SET/N/validation or SET/test, the last one for all seeds."""
        known, *n_rows, split = name.split("/")
        path = self.folder / f"{name.replace('/', '-')}{f'-{seed}' if n_rows else ''}.jsonl"
        if not path.exists():
            chosen = self._some(self.sets[known], int(n_rows[0]), split, seed) if n_rows else self._test(known)
            path.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in chosen), encoding="utf-8")
        return path

    def _some(self, data: Data, n_rows: int, split: str, seed: int) -> list[dict[str, str]]:
        n_rows = N_SMOKE if self.smoke else n_rows
        n_train = round(TRAIN_SHARE * n_rows)
        chosen = covering(rows_of(self.data, data, seed))[:n_rows]
        return chosen[:n_train] if split == "train" else chosen[n_train:]

    def _test(self, name: str) -> list[dict[str, str]]:
        data = self.sets[name]
        rows = list(_read(self.data, data, data.test))
        random.Random(TEST_SEED).shuffle(rows)
        return rows[: N_SMOKE if self.smoke else data.n_test]


def _read(folder: Path, data: Data, paths: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Yields the rows that have a text and one label."""
    for path in paths:
        lines = [line for line in (folder / path).read_text(encoding="utf-8").split("\n") if line]
        if path.endswith(".jsonl"):
            rows = [json.loads(line) for line in lines]
        else:
            columns, *values = (line.split("\t") for line in lines)
            rows = [dict(zip(columns, value, strict=True)) for value in values]
        for row in rows:
            if row[data.text].strip() and "," not in row[data.label]:
                yield {"text": row[data.text], "label": row[data.label]}


def rows_of(folder: Path, data: Data, seed: int) -> list[dict[str, str]]:
    """Returns the training rows of a data set, shuffled by a seed."""
    rows = list(_read(folder, data, data.train))
    random.Random(seed).shuffle(rows)
    return rows


def covering(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Returns the rows with the first one of each label first: a label that training lacks is an error for nlptl."""
    first = {row["label"]: i for i, row in reversed(list(enumerate(rows)))}
    ahead = set(first.values())
    return [rows[i] for i in sorted(ahead)] + [row for i, row in enumerate(rows) if i not in ahead]
