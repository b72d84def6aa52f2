"""How well frozen vectors suit a task, without training the encoder: LogME, H-score, nearest neighbours, a probe."""

import warnings

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
MOST_STEPS, TOLERANCE = 100, 1e-6
N_FOLDS, N_NEIGHBOURS = 5, 5
STRENGTHS = (0.003, 0.03, 0.3)
"""Of regularization: scikit-learn's C, for numbers 1 / alpha."""


def log_me(vectors: npt.ArrayLike, targets: npt.ArrayLike) -> float:
    """Returns the log marginal evidence per row of linear models of the targets, the mean over the targets.

    You et al. 2021, "LogME", equation 2; alpha and beta by the fixed point of its algorithm 1. Larger is better; only
    values for the same rows can be compared.

    Args:
        vectors: (n, hidden).
        targets: (n, targets): 0 or 1 for each class, or numbers.
    """
    x, y = np.asarray(vectors, np.float64), np.asarray(targets, np.float64)
    u, s, _ = np.linalg.svd(x, full_matrices=False)
    return float(np.mean([_evidence(s**2, u.T @ column, column, x.shape) for column in y.T]))


def _evidence(squares: Floats, along: Floats, y: Floats, shape: tuple[int, ...]) -> float:
    """Returns the evidence of one target.

    Args:
        squares: of the vectors' singular values, (rank,).
        along: the target along the left singular vectors, (rank,).
        y: the target, (n,).
        shape: n and hidden.
    """
    n, hidden = shape
    outside = max(float(y @ y - along @ along), 0.0)
    alpha = beta = 1.0
    for _ in range(MOST_STEPS):
        before = alpha / beta
        gamma = float(np.sum(beta * squares / (alpha + beta * squares)))
        length, error = _weights_and_error(squares, along, alpha, beta, outside)
        alpha, beta = gamma / max(length, 1e-12), (n - gamma) / max(error, 1e-12)
        if abs(alpha / beta - before) <= TOLERANCE * before:
            break
    length, error = _weights_and_error(squares, along, alpha, beta, outside)
    log_det = float(np.sum(np.log(alpha + beta * squares))) + (hidden - len(squares)) * np.log(alpha)
    evidence = hidden * np.log(alpha) + n * np.log(beta / (2 * np.pi)) - beta * error - alpha * length - log_det
    return float(evidence / (2 * n))


def _weights_and_error(
    squares: Floats, along: Floats, alpha: float, beta: float, outside: float
) -> tuple[float, float]:
    """Returns the squared length of the posterior mean of the weights, and its squared error."""
    scale = alpha + beta * squares
    length = float(np.sum(beta**2 * squares * along**2 / scale**2))
    return length, float(np.sum((alpha * along / scale) ** 2)) + outside


def h_score(vectors: npt.ArrayLike, classes: npt.ArrayLike) -> float:
    """Returns how much of the vectors' variance lies between the classes: tr(cov(f)^-1 cov(E[f | y])).

    Bao et al. 2019, definition 2, with the covariance shrunk as in Ibrahim et al. 2021 (Ledoit and Wolf 2004), because
    there may be fewer rows than dimensions. Larger is better.

    Args:
        vectors: (n, hidden).
        classes: class of each row, (n,).
    """
    from sklearn.covariance import LedoitWolf

    x, y = np.asarray(vectors, np.float64), np.asarray(classes)
    x = x - x.mean(axis=0)
    _, ids = np.unique(y, return_inverse=True)
    sums = np.zeros((ids.max() + 1, x.shape[1]))
    np.add.at(sums, ids, x)
    means = (sums / np.bincount(ids)[:, None])[ids]
    fitted = LedoitWolf(assume_centered=True).fit(x)
    # The means are shrunk as the covariance is; with a single value it would grow with the shrinkage.
    return float((1 - fitted.shrinkage_) * np.trace(np.linalg.pinv(fitted.covariance_) @ (means.T @ means / len(x))))


def probed(vectors: npt.ArrayLike, targets: np.ndarray, seed: int) -> np.ndarray:
    """Returns what a linear probe says of each row when it is fitted without this row's fold, (n,).

    The strength of its regularization is the best of a few for all folds together, which is a little too good, and
    equally so for all models.

    Args:
        vectors: (n, hidden).
        targets: classes or float64 numbers, (n,); at least two classes with two rows each.
        seed: of the folds.
    """
    from sklearn.linear_model import LogisticRegression, Ridge

    if targets.dtype.kind == "f":
        found = [_out_of_fold(Ridge(alpha=1 / c), vectors, targets, seed) for c in STRENGTHS]
        return min(found, key=lambda own: float(np.mean((own - targets) ** 2)))
    found = [_out_of_fold(LogisticRegression(C=c, max_iter=200), vectors, targets, seed) for c in STRENGTHS]
    return max(found, key=lambda own: float(np.mean(own == targets)))


def by_neighbours(vectors: npt.ArrayLike, targets: np.ndarray, seed: int) -> np.ndarray:
    """Returns what a row's nearest neighbours in the other folds say, by cosine, (n,); arguments as `probed`."""
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    chosen = KNeighborsRegressor if targets.dtype.kind == "f" else KNeighborsClassifier
    model = chosen(min(N_NEIGHBOURS, len(targets) // 2), metric="cosine", algorithm="brute")
    return _out_of_fold(model, vectors, targets, seed)


def _out_of_fold(model: object, vectors: npt.ArrayLike, targets: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    folds = (KFold if targets.dtype.kind == "f" else StratifiedKFold)(N_FOLDS, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        pipeline = make_pipeline(StandardScaler(), model)
        found: np.ndarray = cross_val_predict(pipeline, vectors, targets, cv=folds)
    return found
