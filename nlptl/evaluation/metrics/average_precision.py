"""Average precision."""

from typing import ClassVar

from nlptl.evaluation.measures import Measure, mean_area
from nlptl.evaluation.rows import Rows


class AveragePrecision:
    """The average precision of each label against the rest; of these, the mean.

    It is the sum, over scores, of the precision at a score times what recall gains there, as scikit-learn computes it.
    Labels that no row has are left out; if none remains, the value is 0.
    """

    kinds: ClassVar[tuple[str, ...]] = ("class", "classes")
    greater_is_better: ClassVar[bool] = True
    needs_scores: ClassVar[bool] = True

    def measure(self, rows: Rows) -> Measure:
        """Returns the metric of some rows."""
        return mean_area(rows, lambda areas: areas.precision, 0.0)
