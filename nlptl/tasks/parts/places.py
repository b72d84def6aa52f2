"""Flat tokens to one row per feature."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from nlptl.core.records import Batch


def places(batch: "Batch", device: "torch.device") -> "torch.Tensor":
    """Returns which places of (n, longest) hold a token, bool; the flat tokens fill these places row by row."""
    import torch

    return torch.arange(int(batch.lengths.max()), device=device) < batch.lengths.to(device)[:, None]
