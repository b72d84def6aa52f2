"""Numbers: correlations, errors in the user's unit, and the agreement of grades.

If all references or all predictions are equal, pearson and spearman are 0. If all references are equal, r2 is 0.
spearman ranks all rows once; resamples keep these ranks.
"""

from collections.abc import Sequence

import numpy as np

from nlptl.core.errors import InputError
from nlptl.core.records import LabelSpace
from nlptl.evaluation.formulas import Metric
from nlptl.evaluation.kind import Kind
from nlptl.evaluation.ratios import Floats, ratio
from nlptl.evaluation.rowwise import ByRow, Counted
from nlptl.evaluation.views import Graded, Seen, Views

NO_SPREAD = 1e-12  # relative to the sum of squares: rounding error for equal numbers
VALUES, RANKS, GRADES = slice(3, 8), slice(8, 13), slice(13, 18)
"""Columns of the moments; columns 0 to 2 are 1, the absolute error and the squared error."""


def pearson(sums: Floats) -> Floats:
    """Returns the correlation of references and predictions, (...)."""
    return _correlation(sums[..., VALUES], sums[..., 0])


def spearman(sums: Floats) -> Floats:
    """Returns the correlation of the ranks of references and predictions, (...); ties have the mean of their ranks."""
    return _correlation(sums[..., RANKS], sums[..., 0])


def mae(sums: Floats) -> Floats:
    """Returns the mean absolute error, (...)."""
    return ratio(sums[..., 1], sums[..., 0])


def rmse(sums: Floats) -> Floats:
    """Returns the root of the mean squared error, (...)."""
    return np.sqrt(ratio(sums[..., 2], sums[..., 0]))


def r2(sums: Floats) -> Floats:
    """Returns the share of the references' variance that the predictions explain, (...)."""
    total, _, squares, _, _ = np.moveaxis(sums[..., VALUES], -1, 0)
    spread = _spread(total, squares, sums[..., 0])
    return ratio(spread - sums[..., 2], spread)


def quadratic_kappa(sums: Floats) -> Floats:
    """Returns the agreement of grades beyond chance, weighted by squared distances, (...).

    Cohen 1968, "Weighted kappa". If all references and predictions are the same grade, kappa is 0.
    """
    wanted, found, wanted2, found2, product = np.moveaxis(sums[..., GRADES], -1, 0)
    by_chance = wanted2 + found2 - 2 * ratio(wanted * found, sums[..., 0])
    return ratio(2 * product - 2 * ratio(wanted * found, sums[..., 0]), by_chance)


METRICS: dict[str, Metric] = {
    "pearson": Metric(pearson),
    "spearman": Metric(spearman),
    "mae": Metric(mae, greater_is_better=False),
    "rmse": Metric(rmse, greater_is_better=False),
    "r2": Metric(r2),
    "quadratic_kappa": Metric(quadratic_kappa, ordered=True, always=False),
}


def count(references: Sequence[float], predictions: Sequence[float], labels: LabelSpace) -> Counted:
    """Returns the errors and moments of each row; quadratic_kappa is measured only for grades.

    References are grades if the label space has whole numbers, or if all references are whole numbers.

    Args:
        references: numbers.
        predictions: numbers; for kappa they are rounded and clipped to the range of the references.
        labels: the label space.

    Raises:
        InputError: a reference or prediction is not a finite number.
    """
    wanted, found = _numbers(references, "references"), _numbers(predictions, "predictions")
    error, grades = wanted - found, np.rint(wanted)
    rounded = np.clip(np.rint(found), grades.min(), grades.max())
    columns = [
        np.stack([np.ones_like(error), np.abs(error), error**2], axis=1),
        _moments(wanted - wanted.mean(), found - found.mean()),  # centred, so that sums of squares keep their precision
        _moments(_centred_ranks(wanted), _centred_ranks(found)),
        _moments(grades - grades.min(), rounded - grades.min()),
    ]
    has_grades = whole(labels.values) or bool(np.all(wanted == grades))
    measured = tuple(name for name, metric in METRICS.items() if metric.always or has_grades)
    return Counted(np.concatenate(columns, axis=1), measured, {})


def whole(values: Sequence[float] | None) -> bool:
    """Returns whether there are values and all of them are whole numbers."""
    return values is not None and all(float(value).is_integer() for value in values)


def _numbers(values: Sequence[object], what: str) -> Floats:
    for i, value in enumerate(values):
        if not isinstance(value, int | float | np.integer | np.floating) or not np.isfinite(value):
            raise InputError(f"{what}[{i}] is {value!r}, expected a finite number")
    return np.array(values, dtype=np.float64)


def _moments(a: Floats, b: Floats) -> Floats:
    return np.stack([a, b, a * a, b * b, a * b], axis=1)  # (n, 5)


def _centred_ranks(values: Floats) -> Floats:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2  # from 1; ties have the mean of their ranks
    centred: Floats = ranks[places] - (len(values) + 1) / 2
    return centred


def _correlation(moments: Floats, n: Floats) -> Floats:
    a, b, aa, bb, ab = np.moveaxis(moments, -1, 0)
    spread = np.sqrt(_spread(a, aa, n) * _spread(b, bb, n))
    return np.clip(ratio(ab - ratio(a * b, n), spread), -1, 1)


def _spread(total: Floats, squares: Floats, n: Floats) -> Floats:
    """Returns the sum of squared distances from the mean; exactly 0 if all numbers are equal."""
    spread = squares - ratio(total**2, n)
    return np.where(spread > NO_SPREAD * squares, spread, 0.0)


def _graded(labels: LabelSpace) -> bool:
    return whole(labels.values)


KIND = Kind(ByRow(METRICS, count), is_ordered=_graded)


def _grade(rows: Seen) -> Graded:
    error = np.abs(_numbers(rows.references, "labels") - _numbers(rows.decisions, "predictions"))
    one, order = np.ones(len(error)), "the largest errors first"
    return Graded("mae", error, one, error, order, "error", greater_is_better=False, is_share=False)


def _groups(rows: Seen) -> Floats:
    return _numbers(rows.references, "labels")


def _said(number: object) -> str:
    return f"{number:,.6g}" if isinstance(number, int | float) else str(number)


VIEWS = Views(_grade, _groups, _said)
