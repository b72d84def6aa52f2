"""Runs a cell of a study in this process."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nlptl.core import sharing
from nlptl.core.recipe import Recipe
from nlptl.report import console
from nlptl.runs.folder import RECIPE


def run(recipe: Recipe, folder: Path, *, warnings: bool) -> str | None:
    """Trains, or goes on with what was stopped; returns why it failed.

    Args:
        recipe: of the cell.
        folder: of its run.
        warnings: whether warnings are printed.
    """
    from nlptl.engine.interrupt import Interrupted, interruptible
    from nlptl.runs import training

    try:
        with interruptible() as came, console.hushed(warnings=warnings):
            _ = training.resume(folder) if (folder / RECIPE).exists() else training.train(recipe, folder)
    except Exception as error:  # whatever ends a run, the study goes on with the next
        if came:
            raise Interrupted(came[0]) from error
        return str(error) or repr(error)
    finally:
        gc.collect()  # the next run's memory is its own
    return None


@contextmanager
def quick() -> Iterator[None]:
    """Within the block runs share what they read and compute; one other process checks them, and none writes a page.

    `nlptl report RUN` writes it.
    """
    from nlptl.runs import reload_check, showing

    with sharing.shared(), reload_check.one_process(), showing.no_report():
        yield
