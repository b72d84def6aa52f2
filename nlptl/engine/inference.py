"""Logits of a whole split, in the order of its features, whatever the order of computing."""

import numpy as np
import torch

from nlptl.engine.batching import micro_batches, share
from nlptl.engine.device import Compute
from nlptl.engine.prefix import INFERENCE_TOKENS, Prefix
from nlptl.protocols import Model
from nlptl.records import Features


@torch.inference_mode()
def logits(model: Model, features: Features, compute: Compute, prefix: Prefix | None = None) -> np.ndarray:
    """Returns logits, float32 (n_features, n_classes); every process computes its share and gets all.

    Args:
        model: is put in eval mode.
        features: of the split.
        compute: processes, device and number format.
        prefix: of the same features, where it is cached.
    """
    model.eval()
    prefix = prefix or Prefix(model, features, compute, max_gib=0)
    lengths = features.lengths
    own = share(np.arange(len(features)), lengths, compute.rank, compute.n_processes)
    found: torch.Tensor | None = None
    for rows in micro_batches(own, lengths, INFERENCE_TOKENS, padded=not model.packs()) if len(own) else ():
        batch, cut = prefix.batch(rows)
        with compute.autocast():
            out = model(batch, cut).float()
        if found is None:
            found = torch.zeros(len(features), out.shape[1], device=out.device)
        found[torch.from_numpy(rows).to(out.device)] = out
    if found is None:
        raise ValueError(f"process {compute.rank} has no rows: start fewer processes than rows")
    return compute.sum(found).cpu().numpy()  # other processes' rows are zero here
