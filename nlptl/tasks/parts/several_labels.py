"""Several labels per row: losses, weights and decoding with a threshold for each label."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nlptl.core.records import Example, Features, LabelSpace, Prediction, Pretrained
from nlptl.tasks.parts import one_label

if TYPE_CHECKING:
    import numpy as np
    import torch

UNTUNED = 0.5  # threshold until it is tuned on validation


def label_rows(examples: Sequence[Example], of: Sequence[int], labels: LabelSpace) -> "np.ndarray":
    """Returns 1 for each label that a feature has, else 0, float32 (n, classes)."""
    import numpy as np

    ids = labels.ids
    rows = np.zeros((len(of), len(labels.names)), np.float32)
    for row, i in enumerate(of):
        rows[row, [ids[name] for name in examples[i].label or () if name in ids]] = 1
    return rows


def losses(logits: "torch.Tensor", labels: "torch.Tensor", *, smoothing: float, gamma: float) -> "torch.Tensor":
    """Returns the binary cross-entropy of each row, averaged over the labels, (n,), in float32.

    Args:
        logits: (n, classes).
        labels: float32 (n, classes), 0 or 1.
        smoothing: targets become (1 - smoothing) * target + smoothing / 2.
        gamma: exponent of the focal loss (Lin et al. 2017, equation 4); 0 is cross-entropy.
    """
    from torch.nn import functional

    targets = labels * (1 - smoothing) + smoothing / 2
    each = functional.binary_cross_entropy_with_logits(logits.float(), targets, reduction="none")  # (n, classes)
    if gamma:
        missed = (labels - logits.float().sigmoid()).abs()
        each = each * missed.clamp(min=one_label.TINY) ** gamma
    return each.mean(-1)


def weights(features: Features, class_weights: str) -> "np.ndarray":
    """Returns the weight of each feature in the loss, float64 (n,); balanced: inverse to its rarest label's frequency.

    Rows without a label weigh as much as rows with the most frequent one.
    """
    import numpy as np

    shares = one_label.feature_shares(features)
    if class_weights == "none":
        return shares
    counts = (features.labels * shares[:, None]).sum(0)
    rarest = np.where(features.labels > 0, counts, counts.max()).min(-1)
    each = shares / np.maximum(rarest, 1)
    return np.asarray(each * shares.sum() / each.sum())


def decode(
    logits: "np.ndarray", features: Features, examples: Sequence[Example], pretrained: Pretrained
) -> list[Prediction]:
    """Returns each example's labels above their thresholds, from probabilities averaged over its features.

    Args:
        logits: float32 (n_features, n_classes).
        features: the features, which name the example of each row of logits.
        examples: the rows.
        pretrained: the model, for its labels and its decision: temperature and thresholds.
    """
    import numpy as np

    from nlptl.core.probabilities import tempered_each

    names, decision = pretrained.labels.names, pretrained.decision
    tuned = decision.get("thresholds", {})
    thresholds = np.array([tuned.get(name, UNTUNED) for name in names])
    means = one_label.pooled(1 / (1 + np.exp(-logits.astype(np.float64))), features, len(examples))
    scores = tempered_each(means, decision["temperature"]) if "temperature" in decision else means
    return [
        Prediction(
            e.row_id,
            [name for name, hit in zip(names, row >= thresholds, strict=True) if hit],
            dict(zip(names, map(float, row), strict=True)),
        )
        for e, row in zip(examples, scores, strict=True)
    ]
