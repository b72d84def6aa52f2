"""What follows from the kind of answers, one file per kind: the disagreement for R-Drop, and what is explained."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from nlptl.core import kinds
from nlptl.core.records import Batch, LabelSpace

if TYPE_CHECKING:
    import torch

Divergences = Callable[["torch.Tensor", "torch.Tensor", Batch], "torch.Tensor"]
Explained = Callable[["torch.Tensor", int, LabelSpace], "torch.Tensor"]


def divergences(output: str) -> Divergences:
    """Returns the function from the logits of two passes, and their batch, to the disagreement on each feature, (n,).

    That is (KL(p||q) + KL(q||p)) / 2, averaged over what the loss averages over (Liang et al. 2021, equation 2).

    Args:
        output: the kind's name; its record says in `compares` whether there is such a function.

    Raises:
        InputError: there is no such kind.
    """
    found: Divergences = kinds.part(__name__, output).divergences
    return found


def explained(output: str) -> Explained | None:
    """Returns the function from outputs (n, ...), a class id and the label space to the value that is explained, (n,).

    Args:
        output: the kind's name.

    Returns:
        The function; None if an answer is no single value.

    Raises:
        InputError: there is no such kind.
    """
    found: Explained | None = kinds.part(__name__, output).explained
    return found
