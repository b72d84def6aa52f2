"""Whether stated probabilities are true: a reliability curve, its error, and accuracy by coverage."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nlptl.core.records import Interval
from nlptl.evaluation.intervals import wilson
from nlptl.evaluation.ratios import Floats

Bools = npt.NDArray[np.bool_]
MOST_BINS, LEAST_ROWS = 15, 10
"""Bins, and rows in each; with fewer rows there are fewer bins."""
N_COVERAGES = 100
"""Most points of a curve of accuracy by coverage."""


@dataclass(frozen=True)
class Bin:
    """Decisions with similar probabilities."""

    n: int
    stated: float
    """Mean of the stated probabilities."""
    true: Interval
    """Share that is true."""


def bins(probabilities: Floats, true: Bools) -> list[Bin]:
    """Returns bins with equally many decisions, by ascending probability.

    Args:
        probabilities: stated, (n,).
        true: whether what is stated is true, (n,).
    """
    n_bins = max(1, min(MOST_BINS, len(probabilities) // LEAST_ROWS))
    order = np.argsort(probabilities, kind="stable")
    return [
        Bin(len(part), float(probabilities[part].mean()), wilson(int(true[part].sum()), len(part)))
        for part in np.array_split(order, n_bins)
        if len(part)
    ]


def expected_error(found: list[Bin]) -> float:
    """Returns the expected calibration error: the mean distance of stated and true, weighted by the bins' rows.

    Naeini, Cooper and Hauskrecht 2015, with equally filled bins as in Nixon et al. 2019, "Measuring Calibration in Deep
    Learning", section 3.
    """
    return float(sum(b.n * abs(b.stated - b.true.value) for b in found) / sum(b.n for b in found))


def coverage(probabilities: Floats, true: Bools) -> tuple[Floats, Floats]:
    """Returns shares of the decisions that are kept, the most probable first, and the accuracy among each.

    El-Yaniv and Wiener 2010, "On the Foundations of Noise-free Selective Classification", section 2: coverage, and one
    minus selective risk. Equal probabilities are kept together.

    Args:
        probabilities: stated, (n,).
        true: whether what is stated is true, (n,).
    """
    order = np.argsort(-probabilities, kind="stable")
    ends = np.flatnonzero(np.diff(probabilities[order], append=-np.inf))  # last of each run of equal values
    kept, right = ends + 1.0, np.cumsum(true[order])[ends]
    some = np.unique(np.linspace(0, len(ends) - 1, N_COVERAGES).round().astype(np.int64))
    return kept[some] / len(order), right[some] / kept[some]
