"""Log loss."""

from typing import ClassVar

import numpy as np

from nlptl.evaluation.measures import Measure, mean
from nlptl.evaluation.rows import Rows

SMALLEST = float(np.finfo(np.float64).eps)  # scikit-learn's bound: one row costs 36 at most


class LogLoss:
    """The mean of -log(score of the label), which is 0 for sure and correct predictions.

    If a row may have several labels, each label is a decision with the probability of what is correct, and a row counts
    with the mean over its labels.
    """

    kinds: ClassVar[tuple[str, ...]] = ("class", "classes")
    greater_is_better: ClassVar[bool] = False
    needs_scores: ClassVar[bool] = True

    def measure(self, rows: Rows) -> Measure:
        """Returns the metric of some rows."""
        scores, targets = rows.known_scores, rows.targets
        right = np.clip(np.where(targets > 0, scores, 1 - scores), SMALLEST, 1)
        losses = -np.log(right)
        return mean(losses.mean(1) if rows.is_several else (losses * targets).sum(1))
