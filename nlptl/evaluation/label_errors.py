"""Labels that are likely wrong: confident learning.

Northcutt, Jiang and Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels", section 3. The
probabilities must come from a model that did not train on these rows. What the model gets wrong for good reasons is
found as well, so a person has to look.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nlptl.evaluation.ratios import Floats

Ids = npt.NDArray[np.int64]
UNSURE = -1


@dataclass(frozen=True)
class Issue:
    """A label that is likely wrong."""

    row: int
    """Index of the row."""
    given: str
    """The label in the data, in words."""
    suggested: str
    """The label that the model is confident of, in words."""
    margin: float
    """Probability of the suggested label minus that of the given one."""


def thresholds(probabilities: Floats, given: Ids) -> Floats:
    """Returns the mean probability of each class on the rows that have its label, (classes,); equation 2.

    A class without rows has an infinite threshold: no row is confidently counted as one.

    Args:
        probabilities: (n, classes).
        given: class id of each row's label, (n,).
    """
    n_classes = probabilities.shape[1]
    n = np.bincount(given, minlength=n_classes)
    own = np.bincount(given, weights=probabilities[np.arange(len(given)), given], minlength=n_classes)
    means: Floats = np.divide(own, n, out=np.full(n_classes, np.inf), where=n > 0)
    return means


def confident(probabilities: Floats, given: Ids) -> Ids:
    """Returns the class that each row is confidently counted as, (n,), `UNSURE` for none; equation 1.

    It is the likeliest class among those whose probability reaches the class's threshold.

    Args:
        probabilities: (n, classes).
        given: class id of each row's label, (n,).
    """
    reached = probabilities >= thresholds(probabilities, given)
    likeliest = np.where(reached, probabilities, -np.inf).argmax(axis=1)
    return np.where(reached.any(axis=1), likeliest, UNSURE).astype(np.int64)


def likely_errors(probabilities: Floats, given: Ids, names: Sequence[str]) -> list[Issue]:
    """Returns the rows off the diagonal of the confident joint, the largest margin first.

    Rows for which the model prefers the given label are left out: a class with a high threshold, which the row does not
    reach, may be likelier than the one that it is counted as.

    Args:
        probabilities: (n, classes).
        given: class id of each row's label, (n,).
        names: of the classes.
    """
    counted, rows = confident(probabilities, given), np.arange(len(given))
    margins = probabilities[rows, counted] - probabilities[rows, given]
    off = np.flatnonzero((counted != UNSURE) & (counted != given) & (margins > 0))
    return [
        Issue(int(i), names[given[i]], names[counted[i]], float(margins[i]))
        for i in off[np.argsort(-margins[off], kind="stable")]
    ]


def likely_errors_of_several(probabilities: Floats, has: npt.NDArray[np.bool_], names: Sequence[str]) -> list[Issue]:
    """Returns likely errors if a row may have several labels: each label is a question with two answers.

    Args:
        probabilities: of each label, (n, classes).
        has: whether a row has a label, (n, classes).
        names: of the classes.
    """
    found = []
    for j, name in enumerate(names):
        both = np.stack([1 - probabilities[:, j], probabilities[:, j]], axis=1)
        found += likely_errors(both, has[:, j].astype(np.int64), (f"not {name}", name))
    return sorted(found, key=lambda issue: -issue.margin)
