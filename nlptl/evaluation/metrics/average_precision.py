"""Average precision."""

from typing import ClassVar

from nlptl.evaluation.measures import Measure, mean_area
from nlptl.evaluation.rows import Rows


class AveragePrecision:
    """The mean over labels of the average precision of a label against the rest.

    Average precision is the sum over scores of precision times the increase in recall, as in scikit-learn. Labels
    that no row has are left out; if none remains, the value is 0.
    """

    kinds: ClassVar[tuple[str, ...]] = ("class", "classes")
    greater_is_better: ClassVar[bool] = True
    needs_scores: ClassVar[bool] = True

    def measure(self, rows: Rows) -> Measure:
        """Returns the metric on these rows."""
        return mean_area(rows, lambda areas: areas.precision, 0.0)
