"""Numbers: the mean."""

from typing import ClassVar

import numpy as np

from nlptl.core.records import Prediction
from nlptl.evaluation.baseline import Known


class Mean:
    """The mean of the training numbers for every row."""

    kinds: ClassVar[tuple[str, ...]] = ("number",)

    def predict(self, known: Known) -> list[Prediction]:
        """Returns one prediction per row of `known.rows`."""
        return known.all_the_same(float(np.mean([float(example.label) for example in known.train])))
