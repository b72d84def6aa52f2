"""Index arithmetic over pieces of unlike lengths that lie one behind the other."""

import numpy as np


def ranges(starts: np.ndarray | int, counts: np.ndarray) -> np.ndarray:
    """Returns start, start + 1, ... of each piece, one behind the other, int64 (sum of counts,).

    Args:
        starts: int64 (n,), or one for all.
        counts: int64 (n,), of the pieces.
    """
    before = np.cumsum(counts) - counts
    found: np.ndarray = np.repeat(starts - before, counts) + np.arange(counts.sum())
    return found
