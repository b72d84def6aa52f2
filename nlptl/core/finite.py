"""Numbers that are not finite: JSON has no word for them, and no prediction is made of them."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nlptl.core.errors import TrainingError

if TYPE_CHECKING:
    import numpy as np

    from nlptl.core.records import Example, Features


def to_json(value: object, indent: int | None = None) -> str:
    """Returns a value as JSON that every program reads: null in place of NaN and of what is infinite.

    Args:
        value: of dictionaries, lists, texts and numbers.
        indent: blanks a level; None for a single line.
    """
    return json.dumps(finite(value), indent=indent, ensure_ascii=False, allow_nan=False)


def finite(value: object) -> object:
    """Returns a value with None in place of numbers that JSON does not know."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: finite(inner) for name, inner in value.items()}
    return [finite(inner) for inner in value] if isinstance(value, list | tuple) else value


def refuse_not_finite(answers: "np.ndarray", features: "Features", examples: Sequence["Example"]) -> None:
    """Checks a model's answers before predictions are made of them.

    Args:
        answers: (n, ...), a row a feature or a token.
        features: that they belong to.
        examples: that the features belong to.

    Raises:
        TrainingError: some are not finite; names the first row.
    """
    import numpy as np

    known = np.isfinite(answers)
    if known.all():
        return
    first = int(np.flatnonzero(~known.reshape(len(answers), -1).all(axis=1))[0])
    by_feature = len(answers) == len(features)
    owner = features.example if by_feature else np.repeat(features.example, features.lengths)
    raise TrainingError(
        f"the model's scores for row {examples[int(owner[first])].row_id} are not finite (NaN or infinite): its "
        "weights are damaged, or training went astray; open an undamaged copy, or train again with a lower train.lr"
    )
