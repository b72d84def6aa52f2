"""One label per row: losses, weights and decoding."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nlptl.core.records import Example, Features, LabelSpace, Prediction, Pretrained

if TYPE_CHECKING:
    import numpy as np
    import torch


TINY = 1e-6  # the gradient of 0 ** gamma is infinite if gamma is below 1


def class_ids(examples: Sequence[Example], of: Sequence[int], labels: LabelSpace) -> "np.ndarray":
    """Returns each feature's class id, int64 (n,); -1 for a missing or unknown label.

    Args:
        examples: the rows.
        of: index of each feature's example.
        labels: the classes.
    """
    import numpy as np

    ids = labels.ids
    return np.array([ids.get(str(examples[i].label), -1) for i in of], dtype=np.int64)


def losses(
    logits: "torch.Tensor", labels: "torch.Tensor", *, smoothing: float, likelihood: bool, gamma: float = 0.0
) -> "torch.Tensor":
    """Returns the cross-entropy of each row, (n,), in float32.

    Args:
        logits: (n, classes); if `likelihood`, log-likelihoods of the labels' names.
        labels: int64 (n,).
        smoothing: share of the target spread over all classes (Szegedy et al. 2016, section 7).
        likelihood: no softmax over the classes; the loss is the label name's negative log-likelihood.
        gamma: exponent of the focal loss (Lin et al. 2017, equation 4); 0 is cross-entropy.
    """
    log_probs = logits.float() if likelihood else logits.float().log_softmax(-1)
    target = -log_probs.gather(1, labels[:, None])[:, 0]
    if gamma:
        target = target * (1 - (-target).exp()).clamp(min=TINY) ** gamma
    return target if smoothing == 0 else (1 - smoothing) * target - smoothing * log_probs.mean(-1)


def weights(features: Features, n_classes: int, class_weights: str) -> "np.ndarray":
    """Returns the weight of each feature in the loss, float64 (n,): its example's weight / the example's features.

    Args:
        features: the training features, with one label each.
        n_classes: number of classes.
        class_weights: "none": all 1; "balanced": n / (classes * rows of the class).
    """
    import numpy as np

    shares = feature_shares(features)
    if class_weights == "none":
        return shares
    counts = np.bincount(features.labels, shares, minlength=n_classes)
    by_class = shares.sum() / (n_classes * np.maximum(counts, 1))
    return np.asarray(by_class[features.labels] * shares)


def feature_shares(features: Features) -> "np.ndarray":
    """Returns 1 / (features of the same example), float64 (n,), so that all windows of a text count as one text."""
    import numpy as np

    return np.asarray(1 / np.bincount(features.example)[features.example])


def decode(
    logits: "np.ndarray", features: Features, examples: Sequence[Example], pretrained: Pretrained
) -> list[Prediction]:
    """Returns the likeliest label of each example, in the examples' order, from the mean over its features.

    Args:
        logits: float32 (n_features, n_classes).
        features: the features, which name the example of each row of logits.
        examples: the rows.
        pretrained: the model, for its labels and its decision: temperature, and the score below which it abstains.
    """
    from nlptl.core.probabilities import softmax, tempered

    names, decision = pretrained.labels.names, pretrained.decision
    means = pooled(softmax(logits), features, len(examples))
    best, least = means.argmax(-1), decision.get("abstain_below")
    scores = tempered(means, decision["temperature"]) if "temperature" in decision else means
    return [
        Prediction(
            e.row_id,
            names[b],
            dict(zip(names, map(float, row), strict=True)),
            abstained=None if least is None else bool(row[b] < least),
        )
        for e, b, row in zip(examples, best, scores, strict=True)
    ]


def pooled(values: "np.ndarray", features: Features, n_examples: int) -> "np.ndarray":
    """Returns the mean over each example's features, (n_examples, ...), of values (n_features, ...)."""
    import numpy as np

    sums = np.zeros((n_examples, *values.shape[1:]))
    np.add.at(sums, features.example, values)
    counts = np.bincount(features.example, minlength=n_examples)
    return np.asarray(sums / counts.reshape(-1, *[1] * (values.ndim - 1)))
