"""Accuracy of a model that abstains."""

from typing import ClassVar

from nlptl.evaluation.measures import Measure
from nlptl.evaluation.ratios import Floats, ratio
from nlptl.evaluation.rows import Rows


class SelectiveAccuracy:
    """The share of correct rows among those from which the model does not abstain (El-Yaniv and Wiener 2010)."""

    kinds: ClassVar[tuple[str, ...]] = ("class",)
    greater_is_better: ClassVar[bool] = True
    needs_scores: ClassVar[bool] = False

    def applies(self, rows: Rows) -> bool:
        """Returns whether the model may abstain, and answers a row."""
        return rows.answered is not None and bool(rows.answered.any())

    def measure(self, rows: Rows) -> Measure:
        """Returns the metric on these rows."""
        answered = rows.known_answered

        def values(counts: Floats) -> Floats:
            return ratio(counts @ (answered * rows.right), counts @ answered)

        return Measure(values)
