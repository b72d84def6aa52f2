"""Log loss."""

from typing import ClassVar

import numpy as np

from nlptl.evaluation.measures import Measure, mean
from nlptl.evaluation.rows import Rows

SMALLEST = float(np.finfo(np.float64).eps)  # as in scikit-learn: at most 36 per row


class LogLoss:
    """The mean over rows of -log(score of the label): 0 for certain and correct predictions.

    With several labels per row, the mean over labels of -log(probability that the row has, or lacks, the label).
    """

    kinds: ClassVar[tuple[str, ...]] = ("class", "classes")
    greater_is_better: ClassVar[bool] = False
    needs_scores: ClassVar[bool] = True

    def measure(self, rows: Rows) -> Measure:
        """Returns the metric on these rows."""
        scores, targets = rows.known_scores, rows.targets
        right = np.clip(np.where(targets > 0, scores, 1 - scores), SMALLEST, 1)
        losses = -np.log(right)
        return mean(losses.mean(1) if rows.is_several else (losses * targets).sum(1))
