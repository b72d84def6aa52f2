"""Divisions of training rows into rows to fit on and rows held out."""

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]
Folds = list[tuple[Ids, Ids]]
"""Rows to fit on, and rows held out."""
MIN_FOLDS = 2


def of_examples(example: Ids, n_folds: int, n_search: int, seed: int) -> Folds:
    """Returns a random division in which the rows of one example stay together; empty if there are too few examples.

    Args:
        example: int64 (rows,): index of each row's example.
        n_folds: number of folds.
        n_search: about how many rows are used.
        seed: of the division.
    """
    order = np.random.default_rng(seed).permutation(np.unique(example))
    counts = np.bincount(example)[order].cumsum()
    some = order[: max(n_folds, int(np.searchsorted(counts, n_search, side="right")))]
    if len(some) < n_folds:
        return []
    parts = [np.flatnonzero(np.isin(example, some[fold::n_folds])) for fold in range(n_folds)]
    return [(np.concatenate(parts[:i] + parts[i + 1 :]), held_out) for i, held_out in enumerate(parts)]


def stratified(ids: Ids, n_folds: int, n_search: int, seed: int) -> Folds:
    """Returns a division with each class's share; a random one if a class has a single row.

    Args:
        ids: int64 (rows,): class ids.
        n_folds: number of folds, fewer if a class has fewer rows.
        n_search: about how many rows are used.
        seed: of the division.
    """
    from sklearn.model_selection import StratifiedKFold, train_test_split

    rows = np.arange(len(ids))
    smallest = int(np.bincount(ids)[np.unique(ids)].min())
    if len(rows) > n_search and smallest * n_search >= 2 * len(rows):
        rows, _ = train_test_split(rows, train_size=n_search, stratify=ids, random_state=seed)
    n_stratified = min(n_folds, int(np.bincount(ids[rows])[np.unique(ids[rows])].min()))
    if n_stratified < MIN_FOLDS:
        return of_examples(np.arange(len(ids)), n_folds, n_search, seed)
    divided = StratifiedKFold(n_stratified, shuffle=True, random_state=seed)
    return [(rows[a], rows[b]) for a, b in divided.split(rows, ids[rows])]
