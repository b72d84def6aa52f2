"""Trains only the rows of the token embedding that the training data uses.

The other rows never get a gradient, so nothing is lost; but gradient, norm and AdamW would pass over all of the
vocabulary in every update, which on MiniLM is half of all parameters. Rows that the data does not use keep their
pretrained values, untouched by weight decay.
"""

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from nlptl.protocols import Model
from nlptl.records import Features

MIN_ROWS = 4096  # a smaller embedding is cheap as it is


class UsedRows:
    """While entered, a trainable token embedding looks its rows up in a smaller one, which is trained in its place.

    Args:
        model: must compute packed, so that the features' ids are all that it looks up.
        features: of training.
        n_processes: with several, nothing is replaced: the exchange of gradients knows the model's own parameters only.
    """

    def __init__(self, model: Model, features: Features, n_processes: int) -> None:
        self._embedding: Any = model.token_embedding()
        weight = self._embedding.weight
        owners = [m for m in model.modules() if any(p is weight for p in m.parameters(recurse=False))]
        is_plain = type(self._embedding) is nn.Embedding and len(owners) == 1  # not scaled, not an output layer as well
        fits = model.packs() and n_processes == 1 and len(weight) >= MIN_ROWS
        self._active = fits and is_plain and weight.requires_grad
        if not self._active:
            return
        rows = torch.from_numpy(np.unique(features.input_ids).astype(np.int64)).to(weight.device)
        self._rows = rows
        self._place = torch.full((len(weight),), -1, device=weight.device).index_copy_(
            0, rows, torch.arange(len(rows), device=weight.device)
        )
        self._small = nn.Parameter(weight.detach()[rows])

    def parameters(self, model: Model) -> list[nn.Parameter]:
        """Returns what the optimizer trains: the model's trainable parameters, the embedding by its used rows."""
        own = [p for p in model.parameters() if p.requires_grad]
        return [self._small if self._active and p is self._embedding.weight else p for p in own]

    def write_back(self) -> None:
        """Copies the trained rows into the model, for evaluating and saving it."""
        if self._active:
            with torch.no_grad():
                self._embedding.weight.index_copy_(0, self._rows, self._small)

    def read(self) -> None:
        """Takes the rows from the model, after a checkpoint was put into it."""
        if self._active:
            with torch.no_grad():
                self._small.copy_(self._embedding.weight[self._rows])

    def __enter__(self) -> "UsedRows":
        """Begins to look up the small embedding in training mode."""
        if self._active:
            self._embedding.forward = self._look_up
        return self

    def __exit__(self, *_: object) -> None:
        """Gives the model its embedding back, with the trained rows."""
        if self._active:
            self.write_back()
            del self._embedding.forward

    def _look_up(self, input_ids: torch.Tensor) -> torch.Tensor:
        embedding = self._embedding
        if not embedding.training:
            return F.embedding(input_ids, embedding.weight)
        place = -1 if embedding.padding_idx is None else int(self._place[embedding.padding_idx])
        return F.embedding(self._place[input_ids], self._small, padding_idx=place if place >= 0 else None)
