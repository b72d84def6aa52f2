"""Checks that runs can be compared: the same task, labels, rows and metric."""

from __future__ import annotations

from collections.abc import Sequence

from nlptl.core.errors import InputError
from nlptl.studies.finished import Finished

SHOWN = 3
"""Most row ids in a message."""


def check_alike(runs: Sequence[Finished], split: str, *, same_metric: bool) -> None:
    """Checks that every run is of the first one's task and has its labels and rows.

    Args:
        runs: at least one.
        split: of the rows.
        same_metric: whether the primary metrics must be the same.

    Raises:
        InputError: something differs; the message says what, of all runs.
    """
    wrong = []
    for other in runs[1:]:
        found = [*_facts(runs[0], other, same_metric=same_metric), *_rows(runs[0], other, split)]
        wrong += [f"{runs[0].folder} and {other.folder} differ in {'; '.join(found)}"] if found else []
    if wrong:
        raise InputError(
            f"these runs cannot be compared: {'. '.join(wrong)}. Runs on the same files have the same rows; if test "
            "rows are divided off, also give them the same seed"
        )


def _facts(first: Finished, other: Finished, *, same_metric: bool) -> list[str]:
    tasks = [run.result.task for run in (first, other)]
    kinds = [run.recipe.task.output for run in (first, other)]
    labels = [sorted(run.labels.names) for run in (first, other)]
    metrics = [run.result.primary.name if run.result.primary else "none" for run in (first, other)]
    differ = [f"the task ({tasks[0]}, {tasks[1]})"] if tasks[0] != tasks[1] else []
    differ += [f"the kind of answers ({kinds[0]}, {kinds[1]})"] if kinds[0] != kinds[1] else []
    if labels[0] != labels[1]:
        only = [", ".join(sorted(set(a) - set(b))) for a, b in (labels, labels[::-1])]
        which = [f"only {run.folder} has {names}" for run, names in zip((first, other), only, strict=True) if names]
        differ.append(f"the labels ({'; '.join(which)})")
    if same_metric and metrics[0] != metrics[1]:
        differ.append(f"the primary metric ({metrics[0]}, {metrics[1]}; --metric chooses one for all)")
    return differ


def _rows(first: Finished, other: Finished, split: str) -> list[str]:
    """Returns how the rows of two runs differ, at most one way."""
    ids, others = set(first.row_ids), set(other.row_ids)
    if ids != others:
        n_shared = len(ids & others)
        return [f"the {split} rows ({len(ids)} and {len(others)}, {n_shared} of them with the same row id)"]
    if first.row_ids != other.row_ids:
        return [f"the order of the {split} rows"]
    pairs = zip(first.row_ids, first.references, other.references, strict=True)
    wrong = [row_id for row_id, a, b in pairs if a != b]
    if wrong:
        named = ", ".join(map(str, wrong[:SHOWN])) + (", ..." if len(wrong) > SHOWN else "")
        return [f"the labels of {len(wrong)} {split} rows (row ids {named})"]
    if None not in (first.fingerprint, other.fingerprint) and first.fingerprint != other.fingerprint:
        return [f"the texts of the {split} rows (their hashes in inputs.json)"]
    return []
