"""Logits to probabilities, and probabilities at a temperature."""

import numpy as np

TINY = 1e-300  # keeps logarithms finite
BELOW_ONE = 1 - 2**-53


def softmax(logits: np.ndarray) -> np.ndarray:
    """Returns probabilities that add up to 1 along the last axis, in the logits' number format."""
    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(-1, keepdims=True))


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Returns 1 / (1 + exp(-logits)), without overflow."""
    from scipy.special import expit  # type: ignore[import-untyped]

    return np.asarray(expit(logits))


def log_odds(probabilities: np.ndarray) -> np.ndarray:
    """Returns log(p / (1 - p)), finite, in float64."""
    p = np.clip(np.asarray(probabilities, np.float64), TINY, BELOW_ONE)
    return np.asarray(np.log(p) - np.log1p(-p))


def logs(probabilities: np.ndarray) -> np.ndarray:
    """Returns log(p), finite, in float64."""
    return np.log(np.maximum(np.asarray(probabilities, np.float64), TINY))


def tempered(distributions: np.ndarray, temperature: float) -> np.ndarray:
    """Returns softmax(log(p) / temperature) along the last axis; their order stays.

    For p = softmax(logits) that is softmax(logits / temperature) (Guo et al. 2017, equation 9).

    Args:
        distributions: probabilities that add up to 1 along the last axis.
        temperature: above 1, probabilities become more equal; below 1, less.
    """
    return softmax(logs(distributions) / temperature)


def tempered_each(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Returns sigmoid(log(p / (1 - p)) / temperature) of independent probabilities; their order stays, and so does 0.5.

    Args:
        probabilities: of any shape.
        temperature: above 1, probabilities come closer to 0.5; below 1, closer to 0 and 1.
    """
    return sigmoid(log_odds(probabilities) / temperature)
