"""What the programs share: their command line, rows, and the report that they leave."""

import argparse
import csv
import json
import random
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nlptl import Recipe, Run
from nlptl.core.config import DataConfig
from nlptl.data import open_rows

Row = dict[str, str]
QUIET = {"n_bootstrap": 200}


@dataclass(frozen=True)
class Given:
    """What a program is given."""

    train: Path
    test: Path
    model: str
    seed: int
    output: Path
    """File of the report; other files lie beside it."""

    @property
    def folder(self) -> Path:
        """A folder for runs and models."""
        folder = self.output.with_name(f"{self.output.name}-files")
        folder.mkdir(exist_ok=True)
        return folder


def main(measure: Callable[[Given], dict[str, float]]) -> None:
    """Measures, and writes the report.

    Args:
        measure: returns the numbers, among them n_rows: how many rows were looked at.
    """
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("data.train", "data.test", "output"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--model.name", required=True)
    parser.add_argument("--train.seed", type=int, required=True)
    values = vars(parser.parse_known_args()[0])
    train, test, output = (values[name] for name in ("data.train", "data.test", "output"))
    given = Given(train, test, values["model.name"], values["train.seed"], output)
    began = time.perf_counter()
    metrics = measure(given)
    took = time.perf_counter() - began
    found = {
        "metrics": metrics,
        "train_s": took,
        "examples_per_s": metrics["n_rows"] / took,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    output.write_text(json.dumps(found, indent=1), encoding="utf-8")


def rows_of(path: Path) -> list[Row]:
    """Returns the rows of a file, a text and a label each."""
    return [{"text": str(row["text"]), "label": str(row["label"])} for row in open_rows(str(path), DataConfig())]


def write(rows: list[Row], path: Path) -> Path:
    """Writes rows as csv."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, ("text", "label"))
        writer.writeheader()
        writer.writerows(rows)
    return path


def shuffled(rows: list[Row], seed: int) -> list[Row]:
    """Returns the rows in a random order."""
    return random.Random(seed).sample(rows, len(rows))


def trained(given: Given, name: str, rows: list[Row], evaluated: list[Row], **parts: object) -> Run:
    """Returns a finished run of the task classification on these rows.

    Args:
        given: model and seed.
        name: of the run's folder.
        rows: to train on.
        evaluated: the test rows.
        parts: of the recipe.
    """
    splits = {"train": rows, "test": evaluated}
    files = {split: str(write(own, given.folder / f"{name}-{split}.csv")) for split, own in splits.items()}
    plain = {"task": "classification", "data": files, "model": given.model, "train": {}, "eval": {}} | parts
    plain["train"] = {"seed": given.seed} | dict(plain["train"])  # type: ignore[call-overload]
    plain["eval"] = QUIET | dict(plain["eval"])  # type: ignore[call-overload]
    return Recipe.from_dict(plain).run(given.folder / name)
