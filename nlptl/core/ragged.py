"""Index arithmetic on consecutive pieces of different lengths."""

import numpy as np


def ranges(starts: np.ndarray | int, counts: np.ndarray) -> np.ndarray:
    """Returns the indices start, start + 1, ... of all pieces, concatenated, int64 (sum of counts,).

    Args:
        starts: first index of each piece, int64 (n,), or one number for all.
        counts: length of each piece, int64 (n,).
    """
    before = np.cumsum(counts) - counts
    indices: np.ndarray = np.repeat(starts - before, counts) + np.arange(counts.sum())
    return indices
