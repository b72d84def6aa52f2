"""Trains only the rows of the token embedding that the training data uses.

The other rows never get a gradient, so nothing is lost; but gradient, norm and AdamW would pass over all of the
vocabulary in every update, which on MiniLM is half of all parameters. Rows that the data does not use keep their
pretrained values, untouched by weight decay.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from nlptl.core.insides import works
from nlptl.core.protocols import Model
from nlptl.core.records import Features

MIN_ROWS = 4096  # a smaller embedding is cheap anyway


class UsedRows:
    """Inside, the weight of a trainable token embedding holds only the used rows.

    So optimizer, gradient exchange and checkpoints created inside see only these rows.

    Args:
        model: must compute packed, so that it looks up no other ids than those of the features.
        features: of the training split.
        names: of the parameters that are trained at some time; None: those that are trainable now.
    """

    def __init__(self, model: Model, features: Features, names: Collection[str] | None = None) -> None:
        self._embedding = model.token_embedding()
        self._whole = self._embedding.weight
        trained = (p for name, p in model.named_parameters() if (p.requires_grad if names is None else name in names))
        owners = [m for m in model.modules() if any(p is self._whole for p in m.parameters(recurse=False))]
        is_plain = _only_looks_up(self._embedding) and len(owners) == 1  # not an output layer as well
        large = len(self._whole) >= MIN_ROWS
        concerned = model.packs() and large and is_plain and any(p is self._whole for p in trained)
        self._concerned = concerned and _replaces_alike()
        self._entered = False
        if self._concerned:
            self._used = np.unique(features.input_ids).astype(np.int64)
            self._rows = torch.from_numpy(self._used).to(self._whole.device)

    @property
    def set_aside(self) -> tuple[torch.Tensor, ...]:
        """The whole embedding, if only a part of it is trained."""
        return (self._whole,) if self._concerned and self._whole.requires_grad else ()

    def packed(self, parameter: torch.Tensor) -> torch.Tensor:
        """Returns the used rows of the whole embedding, and every other parameter unchanged."""
        return parameter[self._rows] if self._concerned and parameter is self._whole else parameter

    def put(self, values: torch.Tensor, parameter: torch.Tensor) -> None:
        """Copies values from `packed` into a parameter."""
        if self._concerned and parameter is self._whole:
            parameter.index_copy_(0, self._rows, values.to(parameter.device))
        else:
            parameter.copy_(values)

    def write_back(self) -> None:
        """Copies the trained rows into the whole embedding, for evaluation."""
        if self._entered:
            with torch.no_grad():
                self._whole.index_copy_(0, self._rows, self._embedding.weight)

    def __enter__(self) -> "UsedRows":
        """Begins to train the used rows instead of the whole embedding."""
        self._entered = bool(self.set_aside)
        if self._entered:
            _replace(self._embedding, self._used)
        return self

    def __exit__(self, *_: object) -> None:
        """Gives the model its whole embedding back, with the trained rows."""
        if self._entered:
            self.write_back()
            self._entered = False
            _give_back(self._embedding, self._whole)


@dataclass(frozen=True)
class _LookUp:
    """The forward pass of an embedding whose weight holds only the used rows."""

    embedding: nn.Embedding
    whole: torch.Tensor
    place: torch.Tensor
    """int64 (rows of the whole,): of each among the rows that are there; -1 for the others."""
    padding_idx: int | None
    """Among the rows that are there."""

    def __call__(self, input_ids: torch.Tensor) -> torch.Tensor:
        if not self.embedding.training:
            return F.embedding(input_ids, self.whole)
        return F.embedding(self.place[input_ids], self.embedding.weight, padding_idx=self.padding_idx)


def _replace(embedding: Any, used: np.ndarray) -> None:
    whole, padding = embedding.weight, np.flatnonzero(used == embedding.padding_idx).tolist()
    rows, place = torch.from_numpy(used).to(whole.device), torch.full((len(whole),), -1, device=whole.device)
    place[rows] = torch.arange(len(rows), device=whole.device)
    embedding.weight = nn.Parameter(whole.detach()[rows])
    embedding.forward = _LookUp(embedding, whole, place, padding[0] if padding else None)


def _give_back(embedding: Any, whole: torch.Tensor) -> None:
    del embedding.forward
    embedding.weight = whole


def _only_looks_up(embedding: nn.Embedding) -> bool:
    changes = embedding.max_norm is not None or embedding.scale_grad_by_freq or embedding.sparse
    return type(embedding) is nn.Embedding and not changes  # another class may scale what it finds


@cache
def _replaces_alike() -> bool:
    slower = "the token embedding is trained as a whole, which takes longer"
    return works("torch", "the forward pass of nn.Embedding", _agrees, without=slower)


def _agrees() -> bool:
    """Returns whether a small embedding gives the same values and gradients with the used rows alone."""
    used, ids = np.array([1, 3, 4]), torch.tensor([[3, 1, 3, 4]])
    values = torch.arange(12.0).view(6, 2)
    embedding = nn.Embedding.from_pretrained(values, freeze=False, padding_idx=4)  # type: ignore[no-untyped-call]
    whole = embedding.weight

    def step() -> tuple[torch.Tensor, torch.Tensor]:
        out = embedding(ids)
        (gradient,) = torch.autograd.grad(out.square().sum(), embedding.weight)
        return out, gradient

    with torch.inference_mode(False), torch.enable_grad():
        out, gradient = step()
        _replace(embedding, used)
        again, packed = step()
        _give_back(embedding, whole)
        return torch.equal(again, out) and torch.equal(packed, gradient[used]) and torch.equal(embedding(ids), out)
