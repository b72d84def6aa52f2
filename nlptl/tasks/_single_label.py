"""What tasks with exactly one label a row share: losses and decoding."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nlptl.records import Example, Features, LabelSpace, Prediction

if TYPE_CHECKING:
    import numpy as np
    import torch


def losses(logits: "torch.Tensor", labels: "torch.Tensor", *, smoothing: float, likelihood: bool) -> "torch.Tensor":
    """Returns the cross-entropy of each row, (n,), in float32.

    Args:
        logits: (n, classes); log-likelihoods of the labels' names where `likelihood`.
        labels: int64 (n,).
        smoothing: share of the target spread over all classes (Szegedy et al. 2016, section 7).
        likelihood: logits are taken as they are: the loss of text-to-text training is the name's own likelihood.
    """
    log_probs = logits.float() if likelihood else logits.float().log_softmax(-1)
    own = -log_probs.gather(1, labels[:, None])[:, 0]
    return own if smoothing == 0 else (1 - smoothing) * own - smoothing * log_probs.mean(-1)


def example_weights(features: Features, n_classes: int, class_weights: str) -> "np.ndarray":
    """Returns the weight of each feature in the loss, float64 (n,).

    Args:
        features: the training features.
        n_classes: number of classes.
        class_weights: "none" for all 1, "balanced" for n / (classes * rows of the class).
    """
    import numpy as np

    if class_weights == "none":
        return np.ones(len(features))
    counts = np.bincount(features.labels, minlength=n_classes)
    by_class = len(features) / (n_classes * np.maximum(counts, 1))
    return np.asarray(by_class[features.labels])


def decode(
    logits: "np.ndarray", features: Features, examples: Sequence[Example], labels: LabelSpace
) -> list[Prediction]:
    """Returns the likeliest label of each example, in the examples' order; features of one example are averaged.

    Args:
        logits: float32 (n_features, n_classes).
        features: say which example each row of logits belongs to.
        examples: the rows.
        labels: the classes.
    """
    import numpy as np

    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    probabilities = shifted / shifted.sum(-1, keepdims=True)
    sums = np.zeros((len(examples), len(labels.names)))
    np.add.at(sums, features.example, probabilities)
    means = sums / np.bincount(features.example, minlength=len(examples))[:, None]
    best = means.argmax(-1)
    return [
        Prediction(e.row_id, labels.names[b], dict(zip(labels.names, map(float, row), strict=True)))
        for e, b, row in zip(examples, best, means, strict=True)
    ]
