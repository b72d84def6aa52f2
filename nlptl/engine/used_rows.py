"""Trains only the rows of the token embedding that the training data uses.

The other rows never get a gradient, so nothing is lost; but gradient, norm and AdamW would pass over all of the
vocabulary in every update, which on MiniLM is half of all parameters. Rows that the data does not use keep their
pretrained values, untouched by weight decay.
"""

from collections.abc import Collection
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from nlptl.core.protocols import Model
from nlptl.core.records import Features

MIN_ROWS = 4096  # a smaller embedding is cheap as it is


class UsedRows:
    """While entered, the weight of a trainable token embedding is that of the used rows alone.

    So an optimizer, an exchange of gradients or a checkpoint that is made in between knows of no other rows.

    Args:
        model: must compute packed, so that the features' ids are all that it looks up.
        features: of training.
        names: of the parameters that are trained at some time; None: those that are trainable now.
    """

    def __init__(self, model: Model, features: Features, names: Collection[str] | None = None) -> None:
        self._embedding: Any = model.token_embedding()
        self._whole = self._embedding.weight
        trained = (p for name, p in model.named_parameters() if (p.requires_grad if names is None else name in names))
        owners = [m for m in model.modules() if any(p is self._whole for p in m.parameters(recurse=False))]
        is_plain = type(self._embedding) is nn.Embedding and len(owners) == 1  # not scaled, not an output layer as well
        large = len(self._whole) >= MIN_ROWS
        self._concerned = model.packs() and large and is_plain and any(p is self._whole for p in trained)
        self._entered = False
        if self._concerned:
            n_rows, device = len(self._whole), self._whole.device
            used = np.unique(features.input_ids).astype(np.int64)
            self._rows = torch.from_numpy(used).to(device)
            self._place = torch.full((n_rows,), -1, device=device)
            self._place[self._rows] = torch.arange(len(self._rows), device=device)
            self._padding_idx = next(iter(np.flatnonzero(used == self._embedding.padding_idx).tolist()), None)

    @property
    def set_aside(self) -> tuple[torch.Tensor, ...]:
        """The whole embedding, if only a part of it is trained."""
        return (self._whole,) if self._concerned and self._whole.requires_grad else ()

    def packed(self, parameter: torch.Tensor) -> torch.Tensor:
        """Returns the used rows of the whole embedding, and every other parameter as it is."""
        return parameter[self._rows] if self._concerned and parameter is self._whole else parameter

    def put(self, values: torch.Tensor, parameter: torch.Tensor) -> None:
        """Copies values, as `packed` returns them, into a parameter."""
        if self._concerned and parameter is self._whole:
            parameter.index_copy_(0, self._rows, values.to(parameter.device))
        else:
            parameter.copy_(values)

    def write_back(self) -> None:
        """Copies the trained rows into the whole embedding, which evaluation looks up."""
        if self._entered:
            with torch.no_grad():
                self._whole.index_copy_(0, self._rows, self._embedding.weight)

    def __enter__(self) -> "UsedRows":
        """Begins to train the used rows in place of the whole embedding."""
        self._entered = bool(self.set_aside)
        if self._entered:
            self._embedding.weight = nn.Parameter(self._whole.detach()[self._rows])
            self._embedding.forward = self._look_up
        return self

    def __exit__(self, *_: object) -> None:
        """Gives the model its whole embedding back, with the trained rows."""
        if self._entered:
            self.write_back()
            self._entered = False
            del self._embedding.forward
            self._embedding.weight = self._whole

    def _look_up(self, input_ids: torch.Tensor) -> torch.Tensor:
        embedding = self._embedding
        if not embedding.training:
            return F.embedding(input_ids, self._whole)
        return F.embedding(self._place[input_ids], embedding.weight, padding_idx=self._padding_idx)
