"""Linear heads fitted to convergence on vectors that do not change: logistic for labels, ridge for numbers."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.preprocessing import StandardScaler

from nlptl.core.errors import TrainingError

Floats = npt.NDArray[np.float64]
ABSENT = -20.0  # the logit of a class that no row has
MOST_LOSS = -np.log(np.finfo(np.float32).eps)  # a row, as in scikit-learn's log_loss: one sure error does not decide


class Head(NamedTuple):
    """A linear head."""

    weight: Floats
    """(outputs, hidden)"""
    bias: Floats
    """(outputs,)"""


class Rows(NamedTuple):
    """The rows that a head is fitted to."""

    vectors: Floats
    """(rows, hidden), standardized."""
    targets: npt.NDArray[np.generic]
    """Class ids, int (rows,); several labels, float (rows, outputs) of 0 and 1; or numbers, float (rows,)."""
    weights: Floats
    """(rows,): weights in the loss."""

    def at(self, index: npt.NDArray[np.int64]) -> "Rows":
        """Returns some of the rows."""
        return Rows(self.vectors[index], self.targets[index], self.weights[index])


def scaler(vectors: npt.NDArray[np.float32]) -> StandardScaler:
    """Returns what standardizes the vectors of a frozen encoder.

    Raises:
        TrainingError: one of them is not finite.
    """
    if not np.isfinite(vectors).all():
        raise TrainingError("the frozen encoder gives vectors that are not finite: its weights are damaged")
    return StandardScaler().fit(vectors)


def solve(rows: Rows, strength: float, n: int) -> Head:
    """Returns the head that minimizes the summed loss plus |weight|^2 / (2 strength).

    Args:
        rows: what to fit.
        strength: inverse regularization, scikit-learn's C.
        n: outputs of the head.
    """
    if np.issubdtype(rows.targets.dtype, np.integer):
        return _one_label(rows, strength, n)
    if rows.targets.ndim == 1:
        return _number(rows, strength)
    columns = [_yes_or_no(rows, column, strength) for column in rows.targets.T]
    return Head(np.stack([c.weight[0] for c in columns]), np.array([c.bias[0] for c in columns]))


def loss(head: Head, rows: Rows) -> float:
    """Returns the mean loss of a head: cross-entropy, binary cross-entropy over all labels, or squared error."""
    logits = rows.vectors @ head.weight.T + head.bias  # (rows, outputs)
    targets = rows.targets
    if np.issubdtype(targets.dtype, np.integer):
        each = np.logaddexp.reduce(logits, 1) - logits[np.arange(len(logits)), targets.astype(np.int64)]
        each = np.minimum(each, MOST_LOSS)
    elif targets.ndim == 1:
        each = (logits[:, 0] - targets.astype(np.float64)) ** 2
    else:
        each = (np.logaddexp(0, logits) - logits * targets.astype(np.float64)).mean(1)
    return float(np.average(each, weights=rows.weights))


def _one_label(rows: Rows, strength: float, n: int) -> Head:
    ids = rows.targets.astype(np.int64)
    present = np.unique(ids)
    weight, bias = np.zeros((n, rows.vectors.shape[1])), np.full(n, ABSENT)
    if len(present) == 1:
        bias[present] = 0.0
        return Head(weight, bias)
    found = _logistic(rows, ids, strength)
    if len(present) == 2:
        found = Head(np.concatenate([-found.weight / 2, found.weight / 2]), np.array([-1, 1]) * found.bias / 2)
    weight[present], bias[present] = found
    return Head(weight, bias)


def _yes_or_no(rows: Rows, column: npt.NDArray[np.generic], strength: float) -> Head:
    ids = (column.astype(np.float64) > 0).astype(np.int64)
    if len(np.unique(ids)) == 1:
        return Head(np.zeros((1, rows.vectors.shape[1])), np.array([ABSENT if ids[0] == 0 else -ABSENT]))
    return _logistic(rows, ids, strength)


def _logistic(rows: Rows, ids: npt.NDArray[np.int64], strength: float) -> Head:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=1000, tol=1e-4).fit(rows.vectors, ids, sample_weight=rows.weights)
    return Head(model.coef_, model.intercept_)


def _number(rows: Rows, strength: float) -> Head:
    from sklearn.linear_model import Ridge

    model = Ridge(alpha=1 / strength).fit(rows.vectors, rows.targets, sample_weight=rows.weights)
    return Head(model.coef_[None], np.array([model.intercept_]))
