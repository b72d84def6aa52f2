"""Advice after a poor result."""

from pathlib import Path

from nlptl.core import registry
from nlptl.core.checks import known
from nlptl.core.protocols import Reading, Solving
from nlptl.core.recipe import Recipe

FEW_UPDATES, FEW_ROWS = 300, 1000
UNEVEN = 3
"""Labels are uneven if the most frequent has so many times the training rows of the rarest."""
SMALL_SHARE = 0.5
"""Of the parameters: full fine-tuning is advised if fewer are trained."""
MOST = 3


def better(recipe: Recipe, folder: Path, *, chosen: bool) -> str | None:
    """Returns the command that gives a better model than a run that lost to a baseline; None if there is none.

    Args:
        recipe: the run's, resolved.
        folder: of the run.
        chosen: whether trials chose its method; then they would choose it again.
    """
    hybrid: type[Solving] = registry.load("method", "hybrid")
    if recipe.task.output not in hybrid.solves or isinstance(recipe.method, Reading):
        return None
    return f"nlptl train --config {folder / 'recipe.yaml'} --method {'hybrid' if chosen else 'auto'}"


def advice(
    recipe: Recipe, *, n_updates: int | None, best_update: int | None, n_by_label: list[int], n_rows: int, share: float
) -> list[str]:
    """Returns what to try, the most promising first.

    Args:
        recipe: the run's, resolved.
        n_updates: number of updates; None if the method solved for the head.
        best_update: update with the best validation metric.
        n_by_label: training rows of each label, for one label a row; else empty.
        n_rows: number of training rows.
        share: share of the parameters that was trained.
    """
    train, found = recipe.train, []
    epochs = known("train.epochs", train.epochs)
    if n_updates is not None and (n_updates < FEW_UPDATES or n_updates == best_update):
        why = f"{n_updates} updates are few" if n_updates < FEW_UPDATES else "validation was best at the end"
        found.append(f"--train.epochs {4 * epochs} (now {epochs}: {why})")
    if n_by_label and max(n_by_label) >= UNEVEN * min(n_by_label) and train.class_weights == "none":
        found.append(f"--train.class_weights balanced (labels have {min(n_by_label):,} to {max(n_by_label):,} rows)")
    if n_updates is not None and isinstance(train.lr, float):
        found.append(f"--train.lr {3 * train.lr:.2g} or {train.lr / 3:.2g} (now {train.lr:g})")
    if share < SMALL_SHARE:
        found.append(f"--method full (now {share:.1%} of the parameters are trained)")
    if n_rows < FEW_ROWS:
        found.append(f"more training rows (now {n_rows:,})")
    return found[:MOST] or ["another --model.name, or labels that were checked once more"]
