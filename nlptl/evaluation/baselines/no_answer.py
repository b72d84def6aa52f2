"""Questions: no answer."""

from typing import ClassVar

from nlptl.core.records import Prediction
from nlptl.evaluation.baseline import Known


class NoAnswer:
    """No answer to any question; only if some training rows have no answer."""

    kinds: ClassVar[tuple[str, ...]] = ("span",)

    def predict(self, known: Known) -> list[Prediction] | None:
        """Returns one prediction per row of `known.rows`; None if every training row has an answer."""
        return None if all(example.label for example in known.train) else known.all_the_same("")
