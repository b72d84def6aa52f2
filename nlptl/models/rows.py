"""Arranges the tokens of a flat batch for attention in rows of one sequence, or of several short ones."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from nlptl.core.ragged import ranges

# Sequences of at most this many tokens share rows of it. On SST-2 rows of 24, 32 and 48 tokens take the same time, 64
# take 4 % more (each token is compared with all of its row), and each sequence in a row of its own 8 %.
SHARED_WIDTH = 32
# A longer sequence joins its neighbours' group while it is at most this much longer than the shortest there. With fewer
# tokens many small calls cost more than the empty places that they save. With a larger share empty places cost more
# than the calls: at 2.0 attention over SQuAD's contexts takes 2.9 times as long.
SLACK_TOKENS, SLACK_SHARE = 16, 1.1


@dataclass(frozen=True)
class Group:
    """Rows of one width, attended to in one call."""

    n: int
    width: int
    """Places of a row."""
    mask: torch.Tensor | None
    """float32 (n, 1, 1 or width, width): minus infinity where a place must not see another, else 0; None: all do."""


@dataclass(frozen=True)
class Rows:
    """Groups of rows, whose places are numbered one row after the other, group after group."""

    groups: tuple[Group, ...]
    places: torch.Tensor
    """int64 (n_tokens,): the place of each token."""

    @staticmethod
    def of(sizes: np.ndarray, device: torch.device) -> "Rows":
        """Returns the rows of sequences that lie one after the other, with `sizes` tokens, int64 (n,)."""
        starts = np.cumsum(sizes) - sizes
        places = np.empty(sizes.sum(), dtype=np.int64)
        groups, first = [], 0
        for rows in _divided(sizes):
            members = np.concatenate(rows)
            filled = np.array([sizes[row].sum() for row in rows])
            row, width, n = np.repeat(np.arange(len(rows)), [len(r) for r in rows]), int(filled.max()), sizes[members]
            in_row = np.cumsum(n) - n - (np.cumsum(filled) - filled)[row]
            own = ranges(row * width + in_row, n)
            places[ranges(starts[members], n)] = first + own
            owner = np.full(len(rows) * width, -1)
            owner[own] = np.repeat(members, n)
            groups.append(Group(len(rows), width, _mask(owner.reshape(-1, width), len(members) > len(rows), device)))
            first += len(owner)
        return Rows(tuple(groups), torch.from_numpy(places).to(device))

    def laid(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Returns values of tokens, (n_tokens, heads, width), as rows of each group, (n, heads, places, width)."""
        sizes = [group.n * group.width for group in self.groups]
        laid = x.new_zeros(sum(sizes), *x.shape[1:]).index_copy_(0, self.places, x)
        parts = torch.split(laid, sizes)
        return [
            part.view(g.n, g.width, *x.shape[1:]).transpose(1, 2) for part, g in zip(parts, self.groups, strict=True)
        ]

    def flat(self, parts: list[torch.Tensor]) -> torch.Tensor:
        """Returns the values of tokens, (n_tokens, heads, width), from rows as `laid` returns them."""
        merged = [part.transpose(1, 2).flatten(0, 1) for part in parts]
        return (torch.cat(merged) if len(merged) > 1 else merged[0]).index_select(0, self.places)


def _divided(sizes: np.ndarray) -> Iterator[list[np.ndarray]]:
    """Yields groups of rows of sequences."""
    order = np.argsort(sizes, kind="stable")
    n_short = int(np.searchsorted(sizes[order], SHARED_WIDTH, side="right"))
    if n_short:
        yield _shared(sizes, order[:n_short])
    longer = order[n_short:]
    while len(longer):
        shortest = sizes[longer[0]]
        limit = max(shortest + SLACK_TOKENS, shortest * SLACK_SHARE)
        n = int(np.searchsorted(sizes[longer], limit, side="right"))
        yield list(longer[:n, None])
        longer = longer[n:]


def _shared(sizes: np.ndarray, ascending: np.ndarray) -> list[np.ndarray]:
    """Returns rows of at most `SHARED_WIDTH` tokens: the longest sequence left, then the longest that still fit."""
    left: dict[int, list[int]] = {}
    for sequence in ascending:
        left.setdefault(int(sizes[sequence]), []).append(sequence)
    rows = []
    while left:
        row: list[int] = []
        room = SHARED_WIDTH
        while fitting := [size for size in left if size <= room]:
            size = max(fitting)
            row.append(left[size].pop())
            room -= size
            if not left[size]:
                del left[size]
        rows.append(np.array(row))
    return rows


def _mask(owner: np.ndarray, is_shared: bool, device: torch.device) -> torch.Tensor | None:
    # Empty places of shared rows see each other: who sees nothing has no average.
    hidden = owner[:, None, :, None] != owner[:, None, None] if is_shared else (owner < 0)[:, None, None]
    if not hidden.any():
        return None
    return torch.from_numpy(np.where(hidden, -np.inf, 0).astype(np.float32)).to(device)
