"""Padding, for the models that cannot run packed."""

import torch

from nlptl.core.records import Batch


def pad(batch: Batch, tokens: torch.Tensor, filler: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns values of flat tokens as rows, (n, longest, ...), and their mask, int64 (n, longest).

    Args:
        batch: the features.
        tokens: (n_tokens, ...): the values.
        filler: the value that fills the rows up.
    """
    lengths = batch.lengths.to(tokens.device)
    mask = torch.arange(int(batch.lengths.max()), device=tokens.device) < lengths[:, None]
    padded = tokens.new_full((*mask.shape, *tokens.shape[1:]), filler)
    padded[mask] = tokens
    return padded, mask.long()
