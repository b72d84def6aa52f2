"""The frozen prefix: layers below the first trainable parameter are computed once per example and kept."""

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from nlptl.core.config import TrainConfig
from nlptl.core.protocols import Model
from nlptl.core.records import Batch, Features
from nlptl.engine.batching import collate, micro_batches, put, token_index
from nlptl.engine.device import Compute
from nlptl.engine.fast_linear import fast_linear
from nlptl.engine.store import Store, default_folder

# A batch, when nothing is kept for a backward pass. On 2 cores 512 are slower by a third, 8192 by a fifth. A GPU needs
# more to be busy; how many is not measured.
INFERENCE_TOKENS, ON_GPU = 2048, 16_384
LOGGER = logging.getLogger("nlptl")


def at_once(compute: Compute) -> int:
    """Returns how many tokens are computed together if nothing is kept for a backward pass."""
    return ON_GPU if compute.device.type == "cuda" else INFERENCE_TOKENS


class Prefix:
    """The outputs of a model's frozen prefix for the features of one split.

    Args:
        model: decides the cut.
        features: of the split.
        compute: device and number format.
        store: keeps the outputs; those that do not fit are computed again each time; None: nothing is kept.
    """

    def __init__(self, model: Model, features: Features, compute: Compute, store: Store | None) -> None:
        self.model, self.features, self.compute = model, features, compute
        self.cut = model.cut()
        self._per_token = model.per_token(self.cut)
        # Where layers above go on in bf16, they round what they are given; the few vectors of a probe are kept exact.
        self._dtype = torch.bfloat16 if compute.bf16 and self._per_token else torch.float32
        self._shape = (len(features.input_ids) if self._per_token else len(features), model.width())
        self._states = store.get(self._key, self._shape, self._dtype, self._fill) if self.cut and store else None

    @property
    def missing_bytes(self) -> int:
        """Bytes of frozen outputs that did not fit into the store; 0 if none."""
        return self._shape[0] * self._shape[1] * self._dtype.itemsize if self.cut and self._states is None else 0

    @property
    def vectors(self) -> torch.Tensor:
        """The outputs of the frozen layers, (n, hidden), or (n_tokens, hidden) if the head reads tokens."""
        if self._states is not None:
            return self._states
        states = torch.empty(self._shape, dtype=self._dtype)
        self._fill(states)
        return states

    def batch(self, rows: np.ndarray) -> tuple[Batch, int]:
        """Returns the flat batch of some rows, and the layer from which the model continues."""
        batch = collate(self.features, rows, self.compute.device)
        if not self.cut:
            return batch, 0
        if self._states is None:
            states = self._outputs(batch)
        else:
            index = token_index(self.features, rows) if self._per_token else rows
            states = put(self._states[torch.from_numpy(index)], self.compute.device)
        return replace(batch, states=states), self.cut

    def _outputs(self, batch: Batch) -> torch.Tensor:
        with self.compute.autocast(), fast_linear(self.compute.device):
            return self.model.prefix(batch, self.cut).to(self._dtype)

    def _fill(self, states: torch.Tensor) -> None:
        self.model.eval()
        lengths = self.features.lengths
        order = np.argsort(lengths, kind="stable")
        for rows in micro_batches(order, lengths, at_once(self.compute), padded=not self.model.packs()):
            index = token_index(self.features, rows) if self._per_token else rows
            states[torch.from_numpy(index)] = self._outputs(collate(self.features, rows, self.compute.device)).cpu()

    def _key(self) -> str:
        facts = {
            "cut": self.cut,
            "shape": self._shape,
            "formats": [str(self._dtype), self.compute.bf16, self.compute.device.type],
        }
        return key_of(self.model, self.cut, self.features, facts)


def key_of(model: Model, cut: int, features: Features, facts: Mapping[str, object]) -> str:
    """Returns the hash of what the outputs of frozen layers depend on.

    Weights, tokens, library versions and `facts`, such as the number format.

    Args:
        model: whose layers are frozen.
        cut: number of frozen layers.
        features: of the rows.
        facts: JSON values.
    """
    known = {**facts, "versions": [version("nlptl"), torch.__version__], "model": model.settings()}
    digest = sha256(json.dumps(known, sort_keys=True, default=str).encode())
    for name, weight in model.below(cut):
        digest.update(name.encode())
        digest.update(weight.detach().cpu().contiguous().numpy().data)
    for array in (features.lengths, features.input_ids, features.token_type_ids):
        digest.update(b"" if array is None else np.ascontiguousarray(array).data)
    return digest.hexdigest()


class Prefixes:
    """The prefixes of a run: each split's is made once for each number format.

    Args:
        model: whose frozen part does not change until `renew` is called.
        config: folder and size of the store.
    """

    def __init__(self, model: Model, config: TrainConfig) -> None:
        self._model = model
        folder = Path(config.cache_dir) if config.cache_dir else default_folder()
        self._store = Store(config.cache_gib, folder) if config.cache_gib else None
        self._made: dict[tuple[int, bool, int], Prefix] = {}
        self._said = False

    def of(self, features: Features, compute: Compute) -> Prefix:
        """Returns the prefix of one split, which must live as long as this does."""
        key = (id(features), compute.bf16, self._model.cut())
        if key not in self._made:
            self._made[key] = Prefix(self._model, features, compute, self._store)
            self._say(self._made[key], compute)
        return self._made[key]

    def renew(self) -> None:
        """Drops the kept outputs, because the frozen layers have changed."""
        self._made.clear()

    def _say(self, prefix: Prefix, compute: Compute) -> None:
        if self._store and prefix.missing_bytes and compute.is_main and not self._said:
            self._said = True
            LOGGER.warning(
                "frozen layers' outputs take %.3g GiB, more than train.cache_gib: they are computed again each time",
                prefix.missing_bytes / 2**30,
            )
