"""Expected calibration error."""

from typing import ClassVar

import numpy as np

from nlptl.evaluation.measures import Measure
from nlptl.evaluation.ratios import Floats
from nlptl.evaluation.rows import Rows

N_BINS = 15


class Ece:
    """How far the score of the predicted label is from the share of correct rows: 0 to 1 (Naeini et al. 2015).

    Rows are ordered by the score of their predicted label and divided into 15 bins of equal mass (Nguyen and O'Connor
    2015); the value is the mean over the bins of |mean score - share of correct rows|. A row at the edge of two bins is
    shared between them, and rows with equal scores count alike, so the order of the rows does not matter.

    Perfect scores do not give 0, because a bin has few rows: about 0.03 with 900 rows, 0.01 with 5,000. Resampled rows
    add this error once more, so the interval lies too high, and the value near its lower end. log_loss and brier have
    no such bias.
    """

    kinds: ClassVar[tuple[str, ...]] = ("class",)
    greater_is_better: ClassVar[bool] = False
    needs_scores: ClassVar[bool] = True

    def measure(self, rows: Rows) -> Measure:
        """Returns the metric on these rows."""
        levels, of_row = np.unique(rows.own_scores, return_inverse=True)
        order = np.argsort(of_row, kind="stable")
        starts = np.searchsorted(of_row[order], np.arange(len(levels)))
        excess = (rows.own_scores - rows.right)[order]

        def values(counts: Floats) -> Floats:
            drawn = counts[:, order]
            mass = np.add.reduceat(drawn, starts, axis=1)  # (resamples, levels)
            by_level = np.add.reduceat(drawn * excess, starts, axis=1)
            return np.array([_mean_gap(m, e) for m, e in zip(mass, by_level, strict=True)])

        return Measure(values)


def _mean_gap(mass: Floats, excess: Floats) -> float:
    """Returns the mean over the bins of |score - correct|.

    Args:
        mass: number of rows at each score, ascending by score, (levels,).
        excess: sum of score - correct over these rows, (levels,).
    """
    ends, sums = (np.concatenate([[0.0], np.cumsum(values)]) for values in (mass, excess))
    edges = np.linspace(0.0, ends[-1], N_BINS + 1)
    return float(np.abs(np.diff(np.interp(edges, ends, sums))).sum() / ends[-1])
