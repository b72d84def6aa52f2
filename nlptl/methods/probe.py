"""Probing: the encoder is frozen, a linear head is fitted to its vectors (Alain and Bengio 2017)."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from nlptl.core import kinds
from nlptl.core.checks import at_least, check_types, within
from nlptl.core.errors import InputError
from nlptl.core.records import Features, Pretrained
from nlptl.core.weights import load_head, save_head

if TYPE_CHECKING:
    import numpy as np

    from nlptl.methods.parts.folds import Folds
    from nlptl.methods.parts.linear_heads import Rows

RISEN = 1.02  # the search for a strength ends at so many times the least loss


@dataclass(frozen=True)
class Probe:
    """Fits a linear head to the frozen encoder's vectors until convergence; ignores epochs and learning rate."""

    strengths: tuple[float, ...] = (0.01, 0.1, 1.0, 10.0, 100.0)
    """Inverse regularization strengths tried (scikit-learn's C, on standardized vectors)."""
    n_folds: int = 3
    """Folds of the cross-validation that chooses the strength."""
    n_search: int = 10_000
    """About how many random rows the strengths are compared on; the head is then fitted to all rows."""

    default_lr: ClassVar[float] = 1e-3
    """AdamW's own; used only for heads that cannot be solved for: starts and ends of answers."""
    default_pooling: ClassVar[str] = "mean"
    solves: ClassVar[tuple[str, ...]] = kinds.having(lambda kind: kind.linear)
    self_contained: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Checks types, choices and ranges."""
        check_types("method", self)
        object.__setattr__(self, "strengths", tuple(self.strengths))  # YAML and JSON give lists
        if not self.strengths or min(self.strengths) <= 0:
            raise InputError(f"method.strengths must be numbers above 0, found {self.strengths}")
        within("method.n_folds", self.n_folds, 2, 100)
        at_least("method.n_search", self.n_search, 10)

    def prepare(self, pretrained: Pretrained) -> None:
        """Freezes everything below the linear head.

        Raises:
            InputError: the head is not linear over pooled vectors.
        """
        if pretrained.config.pooling == "native" or pretrained.config.head != "classifier":
            raise InputError(
                "method probe fits a linear head on the encoder's vectors: use model.pooling mean, cls or max (for "
                "tags and spans none), model.head classifier, and a task whose answers are not written"
            )
        pretrained.module.net.requires_grad_(False)
        pretrained.module.classifier.requires_grad_(True)

    def fit_head(
        self, pretrained: Pretrained, vectors: "np.ndarray", features: Features, weights: "np.ndarray", seed: int
    ) -> dict[str, object]:
        """Fits the head to convergence and returns what was chosen.

        Args:
            pretrained: its linear head is set.
            vectors: float32 (n, hidden), from the frozen encoder; for tags (n_tokens, hidden).
            features: hold the targets.
            weights: float64 (n,): the features' weights in the loss.
            seed: for the search's sample and folds.
        """
        import torch
        from threadpoolctl import threadpool_limits

        from nlptl.methods.parts import folds, linear_heads

        targets, example = features.labels, features.example
        if pretrained.kind.by_token:
            vectors, targets, weights, example = _tagged(vectors, features, weights)
        scaler = linear_heads.scaler(vectors)
        rows = linear_heads.Rows(scaler.transform(vectors), targets, weights)
        head = pretrained.module.classifier
        one_each = pretrained.kind.one_name and len(features) == len(features.full_lengths)
        sizes = (self.n_folds, self.n_search, seed)
        found_folds = folds.stratified(targets, *sizes) if one_each else folds.of_examples(example, *sizes)
        # Solvers take many small steps: two threads of BLAS take 4.5 times as long as one (67,349 rows on 2 cores).
        with threadpool_limits(1, user_api="blas"):
            strength, losses = self._search(rows, head.out_features, found_folds)
            found = linear_heads.solve(rows, strength, head.out_features)
        weight = found.weight / scaler.scale_  # the head reads vectors that are not standardized
        with torch.no_grad():
            head.weight.copy_(torch.from_numpy(weight))
            head.bias.copy_(torch.from_numpy(found.bias - weight @ scaler.mean_))
        return {"strength": strength, "cross_validation": losses}

    def save(self, pretrained: Pretrained, folder: Path) -> None:
        """Writes the head; the encoder is named, not copied."""
        save_head(pretrained.module.classifier, folder)

    def load(self, pretrained: Pretrained, folder: Path) -> None:
        """Reads the head.

        Raises:
            InputError: it is missing, damaged or of another shape.
        """
        load_head(pretrained.module.classifier, folder)

    def _search(self, rows: "Rows", n: int, folds: "Folds") -> tuple[float, dict[str, float]]:
        """Returns the strength with the least mean loss on held-out folds, and the losses; without folds the middle.

        Strong regularization is tried first. The search stops once the loss is above `RISEN` times its minimum: weaker
        regularization is slow to solve.
        """
        import numpy as np

        from nlptl.methods.parts import linear_heads

        if not folds or len(self.strengths) == 1:
            return sorted(self.strengths)[len(self.strengths) // 2], {}
        losses = {}
        for strength in sorted(self.strengths):
            each = [linear_heads.loss(linear_heads.solve(rows.at(a), strength, n), rows.at(b)) for a, b in folds]
            losses[str(strength)] = float(np.mean(each))
            if losses[str(strength)] > RISEN * min(losses.values()):
                break
        return float(min(losses, key=losses.__getitem__)), losses


def _tagged(
    vectors: "np.ndarray", features: Features, weights: "np.ndarray"
) -> "tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]":
    """Returns the vectors of tokens that have a tag, their class ids, weights and examples, a row each."""
    import numpy as np

    lengths = features.lengths
    places = np.arange(features.labels.shape[1]) < lengths[:, None]
    labels = features.labels[places]
    known = labels >= 0
    each = weights / np.maximum((features.labels >= 0).sum(1), 1)  # a feature's weight is shared by its tags
    by_token, example = np.repeat(each, lengths), np.repeat(features.example, lengths)
    return vectors[known], labels[known], by_token[known], example[known]
