"""A model's answers for a whole split, in the order of its features."""

import numpy as np
import torch

from nlptl.core.protocols import Model
from nlptl.core.records import Features
from nlptl.engine.batching import micro_batches, share, token_index
from nlptl.engine.device import Compute
from nlptl.engine.fast_linear import fast_linear
from nlptl.engine.prefix import Prefix, at_once


@torch.inference_mode()
def answers(model: Model, features: Features, compute: Compute, prefix: Prefix | None = None) -> np.ndarray:
    """Returns the model's raw answers; each process computes a share and gets all of them.

    float32 (n_features, classes), of tags and spans (n_tokens, classes); of texts tokens, int64 (n_features, longest).

    Args:
        model: is put in eval mode.
        features: of the split.
        compute: processes, device and number format.
        prefix: of the same features, if it is cached.
    """
    prefix = prefix or Prefix(model, features, compute, store=None)
    own = share(np.arange(len(features)), features.lengths, compute.rank, compute.n_processes)
    found: np.ndarray = compute.sum(_answers(model, features, own, prefix)).cpu().numpy()  # others' rows are zero here
    return found


@torch.inference_mode()
def answers_alone(model: Model, features: Features, compute: Compute) -> np.ndarray:
    """Returns what `answers` does, computed by this process alone."""
    own = share(np.arange(len(features)), features.lengths, 0, 1)
    return _answers(model, features, own, Prefix(model, features, compute, store=None)).cpu().numpy()


def _answers(model: Model, features: Features, own: np.ndarray, prefix: Prefix) -> torch.Tensor:
    model.eval()
    lengths = features.lengths
    found: torch.Tensor | None = None
    for rows in micro_batches(own, lengths, at_once(prefix.compute), padded=not model.packs()):
        batch, cut = prefix.batch(rows)
        with prefix.compute.autocast(), fast_linear(prefix.compute.device):
            out = model.answer(batch, cut)
        out = out.float() if out.is_floating_point() else out
        if found is None:
            n = len(features.input_ids) if model.per_token() else len(features)
            found = out.new_zeros(n, out.shape[1])
        index = token_index(features, rows) if model.per_token() else rows
        found[torch.from_numpy(index).to(out.device)] = out
    if found is None:
        raise ValueError("there are no rows to answer")
    return found
