"""A number: it has no distribution, so there is nothing to compare."""

import torch

from nlptl.core.records import LabelSpace

divergences = None


def explained(outputs: torch.Tensor, label: int, labels: LabelSpace) -> torch.Tensor:
    """Returns the number in the unit of the data, (n,), from outputs (n, 1); of grades from logits (n, grades - 1).

    Args:
        outputs: of the model.
        label: not used.
        labels: mean and scale of the numbers, and the grades if there are any.
    """
    if labels.values is None:
        return outputs[:, 0] * labels.scale + labels.mean
    grades = torch.tensor(labels.values, dtype=outputs.dtype, device=outputs.device)
    return grades[0] + outputs.sigmoid() @ grades.diff()
