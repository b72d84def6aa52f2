"""Brier score."""

from typing import ClassVar

from nlptl.evaluation.measures import Measure, mean
from nlptl.evaluation.rows import Rows


class Brier:
    """The squared distance of scores from labels, summed over classes, mean over rows: 0 to 2 (Brier 1950, equation 2).

    With several labels per row, the mean over labels instead of the sum: 0 to 1.
    """

    kinds: ClassVar[tuple[str, ...]] = ("class", "classes")
    greater_is_better: ClassVar[bool] = False
    needs_scores: ClassVar[bool] = True

    def measure(self, rows: Rows) -> Measure:
        """Returns the metric on these rows."""
        squares = (rows.known_scores - rows.targets) ** 2
        return mean(squares.mean(1) if rows.is_several else squares.sum(1))
