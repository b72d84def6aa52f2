"""Padding, for the models that cannot run packed."""

import torch

from nlptl.records import Batch


def pad(batch: Batch, pad_id: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns input ids and mask, both int64 (n, longest), of a flat batch.

    Args:
        batch: the features.
        pad_id: the id that fills the rows up.
    """
    lengths = batch.lengths.to(batch.input_ids.device)
    mask = torch.arange(int(batch.lengths.max()), device=lengths.device) < lengths[:, None]
    input_ids = batch.input_ids.new_full(mask.shape, pad_id)
    input_ids[mask] = batch.input_ids
    return input_ids, mask.long()
