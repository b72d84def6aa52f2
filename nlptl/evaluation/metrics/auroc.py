"""Area under the ROC curve."""

from typing import ClassVar

from nlptl.evaluation.measures import Measure, mean_area
from nlptl.evaluation.rows import Rows

CHANCE = 0.5


class Auroc:
    """The mean over labels of the area under the ROC curve of a label against the rest.

    Labels that no row or every row has are left out; if none remains, the value is 0.5. Equal scores count half (Hanley
    and McNeil 1982).
    """

    kinds: ClassVar[tuple[str, ...]] = ("class", "classes")
    greater_is_better: ClassVar[bool] = True
    needs_scores: ClassVar[bool] = True

    def measure(self, rows: Rows) -> Measure:
        """Returns the metric on these rows."""
        return mean_area(rows, lambda areas: areas.roc, CHANCE)
