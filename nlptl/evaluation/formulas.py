"""The metrics for one label per row, as formulas over confusion matrices.

Each takes a stack (..., classes, classes) and returns one value per matrix, so a thousand resamples take one call.
Rows are labels, columns are predictions. A ratio whose denominator is 0 is 0. Macro averages are over the classes that
occur among labels or predictions, as scikit-learn does by default.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nlptl.core.errors import InputError, nearest
from nlptl.evaluation import ratios
from nlptl.evaluation.ratios import Floats, ratio


def accuracy(stack: Floats) -> Floats:
    """Returns the share of correctly predicted rows, (...)."""
    return ratio(_hits(stack).sum(-1), stack.sum((-2, -1)))


def macro_precision(stack: Floats) -> Floats:
    """Returns the mean precision of the classes that occur, (...)."""
    hits, predicted, _ = by_class(stack)
    return _macro(ratios.precision(hits, predicted), stack)


def macro_recall(stack: Floats) -> Floats:
    """Returns the mean recall of the classes that occur, (...)."""
    hits, _, labelled = by_class(stack)
    return _macro(ratios.recall(hits, labelled), stack)


def macro_f1(stack: Floats) -> Floats:
    """Returns the mean F1 of the classes that occur, (...)."""
    return _macro(ratios.f1(*by_class(stack)), stack)


def micro_f1(stack: Floats) -> Floats:
    """Returns F1 over the pooled decisions, (...); with one label per row it equals accuracy."""
    return ratios.f1(*(counts.sum(-1) for counts in by_class(stack)))


def matthews(stack: Floats) -> Floats:
    """Returns the correlation of labels and predictions, (...); 0 if either has only one class.

    Gorodkin 2004, "Comparing two K-category assignments by a K-category correlation coefficient", equation 8.
    """
    labelled, predicted, n = stack.sum(-1), stack.sum(-2), stack.sum((-2, -1))
    covariance = _hits(stack).sum(-1) * n - (labelled * predicted).sum(-1)
    variances = (n**2 - (labelled**2).sum(-1)) * (n**2 - (predicted**2).sum(-1))
    return ratio(covariance, np.sqrt(variances))


def mae(stack: Floats, values: Floats) -> Floats:
    """Returns the mean absolute error in the unit of the labels, (...).

    Args:
        stack: confusion matrices, (..., classes, classes).
        values: the number of each class, (classes,).
    """
    distance = np.abs(values[:, None] - values[None, :])
    return ratio((stack * distance).sum((-2, -1)), stack.sum((-2, -1)))


def quadratic_kappa(stack: Floats, values: Floats) -> Floats:
    """Returns the agreement beyond chance, weighted by squared distances of ranks, (...).

    Cohen 1968, "Weighted kappa". All classes of the label space have a rank, even if no row has them. If all labels and
    predictions are the same class, kappa is 0.

    Args:
        stack: confusion matrices, (..., classes, classes).
        values: the number of each class, (classes,); only their order matters.
    """
    ranks = np.unique(values, return_inverse=True)[1].astype(np.float64)
    weights = (ranks[:, None] - ranks[None, :]) ** 2
    observed = (stack * weights).sum((-2, -1)) * stack.sum((-2, -1))
    by_chance = ((stack.sum(-1) @ weights) * stack.sum(-2)).sum(-1)
    return ratio(by_chance - observed, by_chance)


@dataclass(frozen=True)
class Metric:
    """A formula and its properties."""

    formula: Callable[..., Floats]
    greater_is_better: bool = True
    ordered: bool = False
    """Whether the metric needs ordered labels (with numbers)."""
    always: bool = True
    """False if only some data has this metric (SQuAD with unanswerable questions); see the kind's file."""


METRICS: dict[str, Metric] = {
    "accuracy": Metric(accuracy),
    "macro_f1": Metric(macro_f1),
    "micro_f1": Metric(micro_f1),
    "macro_precision": Metric(macro_precision),
    "macro_recall": Metric(macro_recall),
    "matthews": Metric(matthews),
    "mae": Metric(mae, greater_is_better=False, ordered=True),
    "quadratic_kappa": Metric(quadratic_kappa, ordered=True),
}


def find_metric(name: str, known: Mapping[str, Metric]) -> Metric:
    """Returns the metric with a name.

    Args:
        name: what the user wrote.
        known: the metrics by name.

    Raises:
        InputError: nothing has that name.
    """
    if name not in known:
        raise InputError(f"unknown metric {name!r}{nearest(name, known)}; known: {', '.join(known)}")
    return known[name]


def measure(name: str, stack: npt.ArrayLike, values: Sequence[float] | None = None) -> Floats:
    """Returns the metric of each confusion matrix, (...).

    Args:
        name: a key of `METRICS`.
        stack: counts, (..., classes, classes), rows are labels and columns are predictions.
        values: the number of each class; None if labels are not ordered.

    Raises:
        InputError: nothing has that name, or the metric needs ordered labels and `values` is None.
    """
    metric = find_metric(name, METRICS)
    counts = np.asarray(stack, dtype=np.float64)
    if not metric.ordered:
        return metric.formula(counts)
    if values is None:
        others = ", ".join(name for name, other in METRICS.items() if not other.ordered)
        raise InputError(f"{name} needs ordered labels (numbers such as stars); choose one of {others}")
    return metric.formula(counts, np.asarray(values, dtype=np.float64))


def per_class(confusion: npt.ArrayLike, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Returns precision, recall, f1 and support (rows with that label) by label name.

    Args:
        confusion: counts, (classes, classes).
        names: the label names, in the order of the rows.
    """
    return ratios.by_class(names, *by_class(np.asarray(confusion, dtype=np.float64)))


def by_class(stack: Floats) -> tuple[Floats, Floats, Floats]:
    """Returns true positives, predicted and labelled rows of each class, (..., classes) each."""
    return _hits(stack), stack.sum(-2), stack.sum(-1)


def _hits(stack: Floats) -> Floats:
    return np.diagonal(stack, axis1=-2, axis2=-1)  # (..., classes)


def _macro(by_class: Floats, stack: Floats) -> Floats:
    occurs = (stack.sum(-1) + stack.sum(-2)) > 0  # (..., classes)
    return ratio(by_class.sum(-1), occurs.sum(-1).astype(np.float64))
