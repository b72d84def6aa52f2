"""The vectors of every layer for all rows, computed once and kept."""

from typing import Protocol

import numpy as np
import torch

from nlptl.core.config import TrainConfig
from nlptl.core.protocols import Model
from nlptl.core.records import Batch, Features
from nlptl.engine.batching import collate, micro_batches
from nlptl.engine.device import Compute
from nlptl.engine.fast_linear import fast_linear
from nlptl.engine.prefix import at_once, key_of
from nlptl.engine.store import Store, default_folder


class Layers(Protocol):
    """Runs the layers of a model."""

    pooling: str
    """How token states become one vector."""

    @property
    def n_states(self) -> int:
        """Number of states."""

    def __call__(self, batch: Batch) -> torch.Tensor:
        """Returns the states of a batch, (n_states, n, hidden)."""


def vectors(model: Model, layers: Layers, features: Features, compute: Compute) -> np.ndarray:
    """Returns the vectors, float32 (states, n, hidden).

    Args:
        model: is put in eval mode; all of it counts as frozen.
        layers: runs the model's.
        features: of the rows.
        compute: device and number format.
    """
    shape = (layers.n_states, len(features), model.width())
    flat = (shape[0] * shape[1], shape[2])

    def fill(found: torch.Tensor) -> None:
        model.eval()
        out, lengths = found.view(shape), features.lengths
        order = np.argsort(lengths, kind="stable")
        for rows in micro_batches(order, lengths, at_once(compute), padded=not model.packs()):
            with compute.autocast(), fast_linear(compute.device):
                out[:, torch.from_numpy(rows)] = layers(collate(features, rows, compute.device)).float().cpu()

    facts = {"layers": shape, "pooling": layers.pooling, "formats": [compute.bf16, compute.device.type]}
    store = Store(TrainConfig.cache_gib, default_folder())
    kept = store.get(lambda: key_of(model, model.depth(), features, facts), flat, torch.float32, fill)
    if kept is None:
        kept = torch.empty(flat)
        fill(kept)
    return kept.numpy().reshape(shape)
