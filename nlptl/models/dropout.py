"""Dropout whose masks do not depend on how an update is divided over processes and micro-batches.

torch draws one number after the other, so what a value gets depends on all that was drawn before. Here each value has a
number of its own: a * b mod 2**32, with `a` a random number of its row and position, and `b` one of its place in the
vector (in attention: of the token attended to). If the product is low, the value is dropped: multiply-shift hashing
(Dietzfelbinger et al. 1997). A CPU computes it in vectors and threads, in a third of the time of torch's serial draws.
GPUs draw inside their kernels: there dropout is torch's own.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from hashlib import sha256
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from nlptl.core.records import Batch

N_LEVELS = 2**32  # probabilities are rounded to 1 / 2**32
Pairs = tuple[torch.Tensor, torch.Tensor]


def dropout(x: torch.Tensor, kept: torch.Tensor, p: float) -> torch.Tensor:
    """Returns x without the values that are not kept, and the others scaled by 1 / (1 - p).

    Args:
        x: any shape.
        kept: int8, 0 or 1: torch's loops over bool take several times as long.
        p: probability with which a value is dropped, from 0 to below 1.
    """
    return (x * kept).mul_(1 / (1 - p))


class Keys:
    """A random number for each place where the rows of a batch have values.

    Args:
        batch: if it has no `draws`, its rows' numbers come from torch's generator.
    """

    def __init__(self, batch: Batch) -> None:
        drawn = _drawn(batch.lengths.shape) if batch.draws is None else batch.draws
        self._rows = drawn.numpy().view(np.uint64)
        self._flat = _numbered(np.repeat(self._rows, batch.lengths.numpy()), batch.positions.numpy())
        self._made: dict[tuple[int, ...], torch.Tensor | None] = {}

    def of(self, shape: tuple[int, ...]) -> torch.Tensor | None:
        """Returns the keys, int64, of values in a shape that batches take; None if it is no such shape.

        Args:
            shape: (n,) for rows, (n_tokens,) or (1, n_tokens and empty ones) for flat tokens, (n, ...) for padded rows,
                (n * k, ...) for k copies of each padded row, one after the other. A row has its first token's key.
        """
        if shape not in self._made:
            self._made[shape] = self._of(shape)
        return self._made[shape]

    def _of(self, shape: tuple[int, ...]) -> torch.Tensor | None:
        n, n_tokens = len(self._rows), len(self._flat)
        if shape == (n_tokens,):
            return _tensor(self._flat)
        if n > 1 and len(shape) == 2 and shape[0] == 1 and shape[1] >= n_tokens:
            return _tensor(np.pad(self._flat, (0, shape[1] - n_tokens))[None])
        return _tensor(self._padded(shape)) if shape and shape[0] and shape[0] % n == 0 else None

    def _padded(self, shape: tuple[int, ...]) -> np.ndarray:
        keys, n_copies = self._rows, shape[0] // len(self._rows)
        if n_copies > 1:
            keys = _numbered(keys[:, None], np.arange(n_copies)).reshape(-1)
        for size in shape[1:] or (1,):
            keys = _numbered(keys[..., None], np.arange(size))
        return keys.reshape(shape)


class Draws:
    """What the dropout of one model draws from: the batch that it runs; without one, and on GPUs, torch's generator."""

    def __init__(self) -> None:
        self._keys: Keys | None = None
        self._n_calls: Counter[str] = Counter()

    def of(self, batch: Batch) -> AbstractContextManager[None]:
        """Wraps a forward pass over a batch."""
        return self._with(Keys(batch) if batch.boundaries.device.type == "cpu" else None, Counter())

    def again(self) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        """Returns what wraps a layer's forward pass now, and what wraps its repetition in the backward pass."""
        return nullcontext(), self._with(self._keys, Counter(self._n_calls))

    @contextmanager
    def _with(self, keys: Keys | None, n_calls: Counter[str]) -> Iterator[None]:
        before = self._keys, self._n_calls
        self._keys, self._n_calls = keys, n_calls
        try:
            yield
        finally:
            self._keys, self._n_calls = before

    def keys(self, shape: tuple[int, ...]) -> torch.Tensor:
        """Returns keys, int64 of a shape: the batch's, if it explains the shape."""
        keys = self._keys.of(shape) if self._keys else None
        return _drawn(shape) if keys is None else keys

    def call(self, name: str) -> int:
        """Returns how often a place has drawn for this batch: there are heads that use one module twice."""
        if self._keys is not None:
            self._n_calls[name] += 1
        return self._n_calls[name]


class Place:
    """One place in a model where dropout draws, on a CPU.

    Args:
        draws: the model's.
        name: of the place; each has masks of its own.
    """

    def __init__(self, draws: Draws, name: str) -> None:
        self.draws, self._name = draws, name
        self._made: dict[int, _Numbers] = {}

    def kept(self, shape: torch.Size, p: float) -> torch.Tensor:
        """Returns which values of a shape, (..., width), are kept, int8, if each is dropped with probability p."""
        *lead, width = shape
        numbers, keys = self._numbers(width), self.draws.keys(tuple(lead) or (1,))
        return _kept(_high(keys * numbers.first)[..., None], numbers.high[:width], p).view(shape)

    def pairs(self, groups: Iterable[Pairs], n_heads: int, p: float) -> Iterator[torch.Tensor]:
        """Yields for each group which attention weights are kept, int8 (n, heads, queries, keys).

        Args:
            groups: the keys, as `Draws.keys` gives them, of the tokens that attend, (n, queries), and of those that are
                attended to, (n, keys).
            n_heads: each has a mask of its own.
            p: probability with which a weight is dropped.
        """
        numbers = self._numbers(n_heads)
        by_head = numbers.more[:n_heads, None]
        for attending, attended in groups:
            other = _high(attended * numbers.first).contiguous()[:, None, None]  # (n, 1, 1, keys)
            yield _kept(_high(attending[:, None] * by_head)[..., None], other, p)

    def _numbers(self, n: int) -> "_Numbers":
        call = self.draws.call(self._name)
        if call not in self._made or len(self._made[call].more) < n:
            self._made[call] = _Numbers.of(f"{self._name} {call}", n)
        return self._made[call]


class _Numbers(NamedTuple):
    """The random numbers of a place: always the same, however many there are."""

    first: int
    more: torch.Tensor
    """int64 (n,)"""
    high: torch.Tensor
    """int32 (n,): their upper halves."""

    @staticmethod
    def of(name: str, n: int) -> "_Numbers":
        start = np.frombuffer(sha256(name.encode()).digest()[:8], np.uint64)
        first, *_ = numbers = _tensor(_numbered(start, np.arange(1 + n)))
        return _Numbers(int(first), numbers[1:], _high(numbers[1:]).contiguous())


class Dropout(nn.Dropout):
    """`nn.Dropout` that draws by place; a module becomes one by changing its class, so that no name changes."""

    place: Place

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Returns the input with dropout in training mode, else unchanged."""
        if not self.training or self.p == 0:
            return input
        if input.device.type != "cpu":
            return F.dropout(input, self.p)
        return dropout(input, self.place.kept(input.shape, self.p), self.p)


def place(model: nn.Module, draws: Draws) -> None:
    """Gives each module of a model its place."""
    for name, module in model.named_modules():
        if type(module) is nn.Dropout:
            module.__class__ = Dropout
        module.place = Place(draws, name)


def _drawn(shape: tuple[int, ...]) -> torch.Tensor:
    return torch.randint(-(2**63), 2**63 - 1, shape)


def _numbered(keys: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Returns the outputs of SplitMix64 (Steele et al. 2014) with these numbers, from its states `keys`, uint64."""
    x = keys + (numbers.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    random: np.ndarray = x ^ (x >> np.uint64(31))
    return random


def _tensor(keys: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(keys.view(np.int64))


def _high(x: torch.Tensor) -> torch.Tensor:
    """Returns the upper halves of int64, int32: those of a product depend on all of its factors."""
    return x.view(torch.int32)[..., 1::2]


def _kept(a: torch.Tensor, b: torch.Tensor, p: float) -> torch.Tensor:
    levels = a * b  # uniform over int32
    return torch.ge(levels, round(p * N_LEVELS) - N_LEVELS // 2, out=torch.empty(levels.shape, dtype=torch.int8))
