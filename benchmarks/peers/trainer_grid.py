"""transformers' Trainer in bf16, with learning rate and number of epochs chosen on the validation rows.

The grid is searched with seed 0. Every cell is kept in a file as soon as it is known, so that a search that was cut off
goes on. Another seed, which stands for other training rows too, takes over the choice and trains once.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import results

from peers import classifier, common
from peers.trainer import TrainerSettings

SEED = 0
"""Of the search."""
OF_A_CELL = ("batch_size", "sampling", "padding", "precision", "warmup", "weight_decay", "max_length")
Fit = Callable[[TrainerSettings], classifier.Classifier]


@dataclass(frozen=True)
class GridSettings(TrainerSettings):
    """Files, training arguments and what is tried; `lr` and `epochs` become the choice."""

    lrs: tuple[float, ...] = (5e-5, 2e-4, 5e-4)
    lengths: tuple[int, ...] = (3, 15)
    """Numbers of epochs."""
    cells: Path | None = None
    """File of the cells that are known; none: nothing is kept."""


@dataclass(frozen=True)
class Cell:
    """One training."""

    lr: float
    epochs: int
    seed: int
    rows: str
    """Digest of the rows that it was trained and scored on."""
    settings: dict[str, Any]
    """Its other ones."""
    validation: dict[str, float]
    """Scores on the validation rows."""
    wall_s: float
    """From loading the model to these scores; the test rows are scored after that."""
    outcome: dict[str, Any]
    """With the scores on the test rows."""

    @property
    def rank(self) -> tuple[float, float]:
        """What the choice goes by: validation accuracy, among equals macro F1."""
        return self.validation["accuracy"], self.validation["macro_f1"]


def run(settings: GridSettings, fit: Fit = classifier.fit) -> None:
    """Searches, or takes over what seed 0 found, and writes the report.

    Args:
        settings: files and training arguments.
        fit: trains one cell.
    """
    tried = searched(settings, fit) if settings.seed == SEED else taken_over(settings)
    chosen = max(tried, key=lambda cell: cell.rank)
    settings = replace(settings, lr=chosen.lr, epochs=chosen.epochs)
    own = chosen if settings.seed == SEED else _cell(settings, fit)
    metrics = own.outcome["metrics"] | {"search_s": sum(cell.wall_s for cell in tried)}
    shown = [{"lr": c.lr, "epochs": c.epochs, **c.validation} for c in tried]
    found = {"chosen": {"lr": chosen.lr, "epochs": chosen.epochs, "seed": SEED}, "tried": shown}
    outcome = common.Outcome(**own.outcome | {"metrics": metrics})
    common.write(settings, outcome, classifier.n_rows(settings), found)


def searched(settings: GridSettings, fit: Fit) -> list[Cell]:
    """Returns the cells of the grid, those that are not known yet after training them."""
    return [_cell(replace(settings, lr=lr, epochs=epochs), fit) for lr, epochs in _grid(settings)]


def taken_over(settings: GridSettings) -> list[Cell]:
    """Returns the cells that seed 0 found.

    Raises:
        SystemExit: some are missing.
    """
    known = {(c.lr, c.epochs): c for c in _read(settings.cells) if (c.seed, c.settings) == (SEED, _how(settings))}
    missing = [cell for cell in _grid(settings) if cell not in known]
    if missing:
        raise SystemExit(
            f"{settings.cells} lacks {len(missing)} of {len(_grid(settings))} cells of seed {SEED}, such as learning "
            f"rate {missing[0][0]:g} with {missing[0][1]} epochs: run this case with seed {SEED} first"
        )
    return [known[cell] for cell in _grid(settings)]


def _cell(settings: GridSettings, fit: Fit) -> Cell:
    rows, known = _digest(settings), _read(settings.cells)
    key = (settings.lr, settings.epochs, settings.seed, rows, _how(settings))
    for cell in known:
        if (cell.lr, cell.epochs, cell.seed, cell.rows, cell.settings) == key:
            return cell
    cell = _trained(settings, key, fit)
    if settings.cells is not None:
        kept = [c for c in known if c.seed != settings.seed or c.rows == rows]
        results.write(settings.cells, {"cells": [asdict(c) for c in (*kept, cell)]})
    return cell


def _trained(settings: GridSettings, key: tuple[Any, ...], fit: Fit) -> Cell:
    began = time.perf_counter()
    found = fit(settings)
    validation = found.scores(common.labelled(settings.validation))
    wall_s = time.perf_counter() - began
    metrics = found.scores(common.labelled(common.scored(settings)))
    n_examples = len(common.records(settings.train)) * settings.epochs
    return Cell(*key, validation, wall_s, asdict(classifier.outcome(found, metrics, n_examples)))


def _grid(settings: GridSettings) -> list[tuple[float, int]]:
    return list(product(settings.lrs, settings.lengths))


def _how(settings: GridSettings) -> dict[str, Any]:
    return {name: value for name, value in asdict(settings).items() if name in OF_A_CELL}


def _digest(settings: GridSettings) -> str:
    digest = hashlib.sha256()
    for path in (settings.train, settings.validation, common.scored(settings)):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _read(path: Path | None) -> list[Cell]:
    if path is None or not path.exists():
        return []
    return [Cell(**cell) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]


if __name__ == "__main__":
    run(common.settings_of(GridSettings))
