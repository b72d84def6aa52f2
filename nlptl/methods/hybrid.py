"""The frozen encoder's vector beside TF-IDF weights: one regularized linear head over both."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from nlptl.core import kinds
from nlptl.core.checks import at_least, check_types, within
from nlptl.core.errors import InputError
from nlptl.core.records import Example, Features, Pretrained
from nlptl.core.weights import load_head, save_head

if TYPE_CHECKING:
    import numpy as np
    from sklearn.preprocessing import StandardScaler

    from nlptl.methods.parts.folds import Folds
    from nlptl.methods.parts.linear_heads import Head, Rows

TERM_WEIGHTS = "term_weights.safetensors"


class Tried(NamedTuple):
    """One setting of the head, and its loss on rows held out."""

    loss: float
    balance: float
    strength: float


@dataclass(frozen=True)
class Hybrid:
    """Fits one linear head on the frozen encoder's vector and the TF-IDF weights of words and pairs of words.

    Words carry what the encoder has not learned, such as names and terms of the subject; the vector carries what the
    few training rows do not show. Balance and regularization are chosen by cross-validation.
    """

    balances: tuple[float, ...] = (0.0, 1.0, 2.0, 4.0)
    """Lengths of the vector that are tried; that of the TF-IDF weights is 1. 0: words alone."""
    strengths: tuple[float, ...] = (1.0, 10.0, 100.0)
    """Inverse regularization strengths tried (scikit-learn's C), at the best balance."""
    n_folds: int = 3
    """Folds of the cross-validation that chooses among them."""
    n_search: int = 3_000
    """About how many rows (a random sample) they are compared on; the chosen one is fitted on all rows."""
    n_terms: int = 50_000
    """Most words and pairs of words that the head reads, the most frequent ones."""

    default_lr: ClassVar[float] = 1e-3
    """Not used: the head is solved for."""
    default_pooling: ClassVar[str] = "mean"
    solves: ClassVar[tuple[str, ...]] = kinds.having(lambda kind: kind.linear and kind.by_row)
    self_contained: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Checks types, choices and ranges."""
        check_types("method", self)
        for name in ("balances", "strengths"):
            object.__setattr__(self, name, tuple(getattr(self, name)))  # YAML and JSON give lists
        if not self.balances or min(self.balances) < 0:
            raise InputError(f"method.balances must be numbers of at least 0, found {self.balances}")
        if not self.strengths or min(self.strengths) <= 0:
            raise InputError(f"method.strengths must be numbers above 0, found {self.strengths}")
        within("method.n_folds", self.n_folds, 2, 100)
        at_least("method.n_search", self.n_search, 10)
        at_least("method.n_terms", self.n_terms, 1)

    def prepare(self, pretrained: Pretrained) -> None:
        """Freezes everything below the linear head.

        Raises:
            InputError: the head is not linear over pooled vectors, or answers of this kind are not solved for.
        """
        if pretrained.output not in self.solves:
            raise InputError(f"method hybrid answers {', '.join(self.solves)} for whole texts, not {pretrained.output}")
        if pretrained.config.pooling == "native" or pretrained.config.head != "classifier":
            raise InputError(
                "method hybrid fits a linear head on the encoder's vectors: use model.pooling mean, cls or max, and "
                "model.head classifier"
            )
        pretrained.module.net.requires_grad_(False)
        pretrained.module.classifier.requires_grad_(True)

    def read(self, pretrained: Pretrained, examples: Sequence[Example]) -> None:
        """Learns the terms of the training texts.

        Raises:
            InputError: no text has a word.
        """
        from nlptl.core.terms import Terms, joined, learnt

        tfidf = learnt([joined(example) for example in examples], self.n_terms)
        if tfidf is None:
            raise InputError("method hybrid found no word in the training texts: use method probe")
        pretrained.terms = Terms(tfidf)
        pretrained.module.read_terms(len(pretrained.terms))

    def fit_head(
        self, pretrained: Pretrained, vectors: "np.ndarray", features: Features, weights: "np.ndarray", seed: int
    ) -> dict[str, object]:
        """Fits the head to convergence and returns what was chosen; see `nlptl.core.protocols.Solving`."""
        import numpy as np
        from threadpoolctl import threadpool_limits

        from nlptl.methods.parts import folds, linear_heads

        scaler = linear_heads.scaler(vectors)
        scaler.scale_ = scaler.scale_ * np.sqrt(vectors.shape[1])  # rows of length 1, like those of the terms
        rows = linear_heads.Rows(scaler.transform(vectors), features.labels, weights)
        one_each = pretrained.kind.one_name and len(features) == len(features.full_lengths)
        divide, by = (folds.stratified, features.labels) if one_each else (folds.of_examples, features.example)
        held_out, n = divide(by, self.n_folds, self.n_search, seed), pretrained.module.classifier.out_features
        with threadpool_limits(1, user_api="blas"):
            tried = self._search(rows, features, n, held_out)
            best = min(tried)
            _set(pretrained, linear_heads.solve(_beside(rows, features, best.balance), best.strength, n), scaler, best)
        losses = {f"balance {t.balance:g}, strength {t.strength:g}": t.loss for t in tried}
        return {"balance": best.balance, "strength": best.strength, "cross_validation": losses if held_out else {}}

    def _search(self, rows: "Rows", features: Features, n: int, held_out: "Folds") -> list[Tried]:
        """Returns what was tried: all balances at the middle strength, then the other strengths at the best balance."""
        middle = sorted(self.strengths)[len(self.strengths) // 2]
        if not held_out:
            return [Tried(0.0, sorted(self.balances)[len(self.balances) // 2], middle)]
        tried = [self._tried(rows, features, n, held_out, balance, middle) for balance in self.balances]
        best = min(tried).balance
        others = (strength for strength in self.strengths if strength != middle)
        return tried + [self._tried(rows, features, n, held_out, best, strength) for strength in others]

    def _tried(
        self, rows: "Rows", features: Features, n: int, held_out: "Folds", balance: float, strength: float
    ) -> Tried:
        import numpy as np

        from nlptl.methods.parts import linear_heads

        both = _beside(rows, features, balance)
        losses = [linear_heads.loss(linear_heads.solve(both.at(a), strength, n), both.at(b)) for a, b in held_out]
        return Tried(float(np.mean(losses)), balance, strength)

    def save(self, pretrained: Pretrained, folder: Path) -> None:
        """Writes the head and the terms that it reads; the encoder is named, not copied."""
        assert pretrained.terms is not None
        save_head(pretrained.module.classifier, folder)
        save_head(pretrained.module.term_weights, folder, TERM_WEIGHTS)
        pretrained.terms.save(folder)

    def load(self, pretrained: Pretrained, folder: Path) -> None:
        """Reads the head and its terms.

        Raises:
            InputError: a file is missing, damaged or of another shape.
        """
        from nlptl.core.terms import Terms

        pretrained.terms = Terms.load(folder)
        load_head(pretrained.module.classifier, folder)
        load_head(pretrained.module.read_terms(len(pretrained.terms)), folder, TERM_WEIGHTS)


def _beside(rows: "Rows", features: Features, balance: float) -> "Rows":
    """Returns rows of the vectors, scaled, with the terms to their right; sparse."""
    from scipy.sparse import csr_matrix, hstack  # type: ignore[import-untyped]

    vectors = csr_matrix(rows.vectors * balance)
    return rows._replace(vectors=hstack([vectors, features.terms], format="csr", dtype="float64"))


def _set(pretrained: Pretrained, found: "Head", scaler: "StandardScaler", best: Tried) -> None:
    """Sets the head so that it reads vectors as they are."""
    import torch

    head = pretrained.module.classifier
    weight = found.weight[:, : head.in_features] * best.balance / scaler.scale_
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(weight))
        head.bias.copy_(torch.from_numpy(found.bias - weight @ scaler.mean_))
        pretrained.module.term_weights.weight.copy_(torch.from_numpy(found.weight[:, head.in_features :]))
