"""NaN and infinite numbers: JSON cannot hold them, and no prediction is made from them."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nlptl.core.errors import TrainingError

if TYPE_CHECKING:
    import numpy as np

    from nlptl.core.records import Example, Features


def to_json(value: object, indent: int | None = None) -> str:
    """Returns a value as standard JSON, with null for NaN and infinite numbers.

    Args:
        value: made of dictionaries, lists, strings and numbers.
        indent: spaces per level; None for a single line.
    """
    return json.dumps(finite(value), indent=indent, ensure_ascii=False, allow_nan=False)


def finite(value: object) -> object:
    """Returns a value with None instead of numbers that are not finite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: finite(inner) for name, inner in value.items()}
    return [finite(inner) for inner in value] if isinstance(value, list | tuple) else value


def refuse_not_finite(answers: "np.ndarray", features: "Features", examples: Sequence["Example"]) -> None:
    """Checks a model's outputs before predictions are made from them.

    Args:
        answers: (n, ...), one row per feature or per token.
        features: the features that the answers belong to.
        examples: the examples that the features belong to.

    Raises:
        TrainingError: a value is not finite; the message names the first row.
    """
    import numpy as np

    is_finite = np.isfinite(answers)
    if is_finite.all():
        return
    first = int(np.flatnonzero(~is_finite.reshape(len(answers), -1).all(axis=1))[0])
    by_feature = len(answers) == len(features)
    owner = features.example if by_feature else np.repeat(features.example, features.lengths)
    raise TrainingError(
        f"the model's scores for row {examples[int(owner[first])].row_id} are not finite (NaN or infinite): its "
        "weights are damaged, or training diverged; open an undamaged copy, or train again with a lower train.lr"
    )
