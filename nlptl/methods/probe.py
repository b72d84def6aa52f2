"""Probing: the encoder is frozen, a logistic head is fitted to its vectors (Alain and Bengio 2017)."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from nlptl.checks import at_least, check_types
from nlptl.errors import InputError, TrainingError
from nlptl.records import Pretrained

if TYPE_CHECKING:
    import numpy as np

HEAD = "head.safetensors"


@dataclass(frozen=True)
class Probe:
    """Fits a logistic head on the frozen encoder's vectors, to convergence: epochs and learning rate do not matter."""

    strengths: tuple[float, ...] = (0.01, 0.1, 1.0, 10.0, 100.0)
    """Inverse regularization strengths tried (scikit-learn's C, on standardized vectors)."""
    n_folds: int = 3
    """Folds of the cross-validation that chooses among them."""
    n_search: int = 10_000
    """Most rows (a stratified sample) on which they are compared; the chosen one is fitted on all rows."""

    default_lr: ClassVar[float] = 1.0
    """Not used: the head is fitted with L-BFGS."""
    default_pooling: ClassVar[str] = "mean"
    self_contained: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Checks types, choices and ranges."""
        check_types("method", self)
        object.__setattr__(self, "strengths", tuple(self.strengths))  # YAML and JSON give lists
        if not self.strengths or min(self.strengths) <= 0:
            raise InputError(f"method.strengths must be numbers above 0, found {self.strengths}")
        at_least("method.n_folds", self.n_folds, 2)
        at_least("method.n_search", self.n_search, 10)

    def prepare(self, pretrained: Pretrained) -> None:
        """Freezes everything below the linear head.

        Raises:
            InputError: the head is not linear over pooled vectors.
        """
        if pretrained.config.pooling == "native" or pretrained.config.head != "classifier":
            raise InputError(
                "method probe fits a linear head on pooled vectors: "
                "use model.pooling mean, cls or max, and model.head classifier"
            )
        pretrained.module.net.requires_grad_(False)
        pretrained.module.net.classifier.requires_grad_(True)

    def fit_head(
        self, pretrained: Pretrained, vectors: "np.ndarray", labels: "np.ndarray", weights: "np.ndarray", seed: int
    ) -> dict[str, Any]:
        """Fits the head to convergence and returns what was chosen.

        Args:
            pretrained: its linear head is set.
            vectors: float32 (n, hidden), from the frozen encoder.
            labels: int64 (n,), class ids; every class occurs.
            weights: float64 (n,), of the rows in the loss.
            seed: of the search's sample and folds.
        """
        import numpy as np
        import torch
        from sklearn.preprocessing import StandardScaler

        if not np.isfinite(vectors).all():
            raise TrainingError("the frozen encoder gives vectors that are not finite: its weights are damaged")
        scaler = StandardScaler().fit(vectors)
        scaled = scaler.transform(vectors)
        strength, scores = self._search(scaled, labels, weights, seed)
        model = _logistic(strength).fit(scaled, labels, sample_weight=weights)
        weight, bias = _two_rows(model.coef_, model.intercept_)
        weight = weight / scaler.scale_  # the head reads vectors as they are
        head = pretrained.module.net.classifier
        with torch.no_grad():
            head.weight.copy_(torch.from_numpy(weight))
            head.bias.copy_(torch.from_numpy(bias - weight @ scaler.mean_))
        return {"strength": strength, "cross_validation": scores, "iterations": int(model.n_iter_.max())}

    def save(self, pretrained: Pretrained, folder: Path) -> None:
        """Writes the head; the encoder is named, not copied."""
        from safetensors.torch import save_file

        save_file({k: v.contiguous() for k, v in pretrained.module.net.classifier.state_dict().items()}, folder / HEAD)

    def load(self, pretrained: Pretrained, folder: Path) -> None:
        """Reads the head.

        Raises:
            InputError: it is missing or damaged.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            pretrained.module.net.classifier.load_state_dict(load_file(folder / HEAD))
        except (OSError, SafetensorError, RuntimeError) as error:
            raise InputError(f"{folder / HEAD} is missing or damaged: {error}") from error

    def _search(
        self, vectors: "np.ndarray", labels: "np.ndarray", weights: "np.ndarray", seed: int
    ) -> tuple[float, dict[str, float]]:
        import numpy as np
        from sklearn.model_selection import StratifiedKFold, train_test_split

        rows = np.arange(len(labels))
        smallest = int(np.bincount(labels).min())
        if len(rows) > self.n_search and smallest * self.n_search >= 2 * len(rows):
            rows, _ = train_test_split(rows, train_size=self.n_search, stratify=labels, random_state=seed)
        n_folds = min(self.n_folds, int(np.bincount(labels[rows]).min()))
        if n_folds < 2 or len(self.strengths) == 1:
            return sorted(self.strengths)[len(self.strengths) // 2], {}
        folds = list(StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(rows, labels[rows]))
        scores = {}
        for strength in sorted(self.strengths):
            losses = [_log_loss(strength, vectors, labels, weights, rows[a], rows[b]) for a, b in folds]
            scores[str(strength)] = float(np.mean(losses))
        return min(sorted(self.strengths), key=lambda c: scores[str(c)]), scores


def _logistic(strength: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, max_iter=1000, tol=1e-4)


def _log_loss(strength: float, vectors: Any, labels: Any, weights: Any, fit: Any, held_out: Any) -> float:
    from sklearn.metrics import log_loss

    model = _logistic(strength).fit(vectors[fit], labels[fit], sample_weight=weights[fit])
    probabilities = model.predict_proba(vectors[held_out])
    return float(log_loss(labels[held_out], probabilities, sample_weight=weights[held_out], labels=model.classes_))


def _two_rows(weight: Any, bias: Any) -> tuple[Any, Any]:
    import numpy as np

    # scikit-learn has one row for two classes: the difference of their logits.
    if len(weight) > 1:
        return weight, bias
    return np.concatenate([-weight / 2, weight / 2]), np.concatenate([-bias / 2, bias / 2])
