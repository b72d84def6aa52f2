"""Coverage of a model that abstains."""

from typing import ClassVar

from nlptl.evaluation.measures import Measure, mean
from nlptl.evaluation.rows import Rows


class Coverage:
    """The share of rows from which the model does not abstain (El-Yaniv and Wiener 2010)."""

    kinds: ClassVar[tuple[str, ...]] = ("class",)
    greater_is_better: ClassVar[bool] = True
    needs_scores: ClassVar[bool] = False

    def applies(self, rows: Rows) -> bool:
        """Returns whether the model may abstain."""
        return rows.answered is not None

    def measure(self, rows: Rows) -> Measure:
        """Returns the metric on these rows."""
        return mean(rows.known_answered)
