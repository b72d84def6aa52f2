"""The frozen prefix: what lies below the first trainable parameter is computed once per example and kept."""

from dataclasses import replace

import numpy as np
import torch

from nlptl.engine.batching import collate, micro_batches, token_index
from nlptl.engine.device import Compute
from nlptl.protocols import Model
from nlptl.records import Batch, Features

# A batch, when nothing is kept for a backward pass. On 2 cores 512 are slower by a third, 8192 by a fifth.
INFERENCE_TOKENS = 2048


class Prefix:
    """The outputs of a model's frozen prefix for the features of one split.

    Args:
        model: decides the cut.
        features: of the split.
        compute: device and number format.
        max_gib: most memory for the outputs; beyond it they are computed again each time.
    """

    def __init__(self, model: Model, features: Features, compute: Compute, max_gib: float) -> None:
        self.model, self.features, self.compute = model, features, compute
        self.cut = model.cut()
        self._per_token = model.per_token(self.cut)
        self._n_rows = len(features.input_ids) if self._per_token else len(features)
        fits = self._n_rows * model.width() * 4 <= max_gib * 2**30
        self._states = self._compute() if self.cut and fits else None

    @property
    def vectors(self) -> torch.Tensor:
        """The outputs of the frozen layers, (n, hidden), or where the head reads tokens (n_tokens, hidden)."""
        return self._compute() if self._states is None else self._states

    def batch(self, rows: np.ndarray) -> tuple[Batch, int]:
        """Returns the flat batch of some rows, and the cut from which the model goes on."""
        batch = collate(self.features, rows, self.compute.device)
        if self._states is None:
            return batch, 0
        index = token_index(self.features, rows) if self._per_token else rows
        states = self._states[torch.from_numpy(index)].to(self.compute.device)
        return replace(batch, states=states), self.cut

    def _compute(self) -> torch.Tensor:
        self.model.eval()
        lengths = self.features.lengths
        order = np.argsort(lengths, kind="stable")
        states = torch.empty(0)
        for rows in micro_batches(order, lengths, INFERENCE_TOKENS, padded=not self.model.packs()):
            batch = collate(self.features, rows, self.compute.device)
            with self.compute.autocast():
                out = self.model.prefix(batch, self.cut).cpu()
            if not len(states):
                states = torch.empty(self._n_rows, out.shape[1], dtype=out.dtype)
            index = token_index(self.features, rows) if self._per_token else rows
            states[torch.from_numpy(index)] = out
        return states
