"""Which examples share an update, and how an update becomes flat batches."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

from nlptl.core.ragged import ranges
from nlptl.core.records import Batch, Features


@dataclass(frozen=True)
class Order:
    """Which examples share an update; it depends on nothing but these values and the epoch."""

    n_examples: int
    batch_size: int
    """Examples of an update; the last update of an epoch takes what is left."""
    seed: int
    draw: np.ndarray | None = None
    """float64 (examples,): examples are drawn in proportion to it, with replacement; None: each comes once an epoch."""

    @property
    def per_epoch(self) -> int:
        """Number of updates in an epoch."""
        return -(-self.n_examples // self.batch_size)

    def updates(self, epoch: int) -> list[np.ndarray]:
        """Returns the examples of each update of an epoch, from 0."""
        random = np.random.default_rng([self.seed, epoch])
        if self.draw is None:
            order = random.permutation(self.n_examples)
        else:
            order = random.choice(self.n_examples, self.n_examples, p=self.draw / self.draw.sum())
        return [order[i : i + self.batch_size] for i in range(0, self.n_examples, self.batch_size)]


def rows_of(examples: np.ndarray, features: Features) -> np.ndarray:
    """Returns the features of some examples, those of one example next to each other."""
    first = np.searchsorted(features.example, examples, side="left")
    counts = np.searchsorted(features.example, examples, side="right") - first
    return ranges(first, counts)


def share(rows: np.ndarray, lengths: np.ndarray, rank: int, n_processes: int) -> np.ndarray:
    """Returns one process's share of an update's rows, shortest first; the shares have similar lengths.

    Args:
        rows: features of the update.
        lengths: number of tokens of each feature.
        rank: the process.
        n_processes: number of processes that share the update.
    """
    ordered = rows[np.argsort(lengths[rows], kind="stable")]
    turn, place = np.divmod(np.arange(len(rows)), n_processes)
    # Every second turn goes backwards, or the last process would have the longest row of each.
    own: np.ndarray = ordered[np.where(turn % 2, n_processes - 1 - place, place) == rank]
    return own


def micro_batches(rows: np.ndarray, lengths: np.ndarray, max_tokens: int, *, padded: bool) -> Iterator[np.ndarray]:
    """Yields rows that are computed together: neighbours, with at most `max_tokens` tokens (or a single row).

    Args:
        rows: features, shortest first.
        lengths: number of tokens of each feature.
        max_tokens: most tokens of a micro-batch.
        padded: whether the model pads, so that every row costs as much as the longest.
    """
    start, total = 0, 0
    for i, row in enumerate(rows):
        total = int(lengths[row]) * (i - start + 1) if padded else total + int(lengths[row])
        if total > max_tokens and i > start:
            yield rows[start:i]
            start, total = i, int(lengths[row])
    if len(rows):
        yield rows[start:]


def collate(features: Features, rows: np.ndarray, device: torch.device) -> Batch:
    """Returns the flat batch of some features, in the order of `rows`."""
    tokens = token_index(features, rows)
    types = features.token_type_ids
    lengths = features.lengths[rows]
    boundaries = np.concatenate([[0], np.cumsum(lengths)])
    return Batch(
        input_ids=put(features.input_ids[tokens].astype(np.int64), device),
        token_type_ids=None if types is None else put(types[tokens].astype(np.int64), device),
        lengths=torch.from_numpy(lengths),
        longest=int(lengths.max()),
        boundaries=put(boundaries.astype(np.int32), device),
        positions=put(ranges(0, lengths), device),
        labels=put(features.labels[rows], device),
        rows=torch.from_numpy(rows),
        terms=None if features.terms is None else _sparse(features.terms[rows], device),
    )


def _sparse(values: csr_matrix, device: torch.device) -> torch.Tensor:
    placed = values.tocoo()
    index = put(np.stack([placed.row, placed.col]).astype(np.int64), device)
    return torch.sparse_coo_tensor(index, put(placed.data, device), size=values.shape, check_invariants=False)


def put(values: np.ndarray | torch.Tensor, device: torch.device) -> torch.Tensor:
    """Copies host values to a device; to a GPU without waiting."""
    tensor = torch.as_tensor(values)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def token_index(features: Features, rows: np.ndarray) -> np.ndarray:
    """Returns the indices of the rows' tokens in the flat arrays, int64 (n_tokens,)."""
    return ranges(features.offsets[rows], features.lengths[rows])
