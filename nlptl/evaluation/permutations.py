"""Exchanges two models' answers, row by row at random.

Noreen 1989, "Computer-Intensive Methods for Testing Hypotheses", chapter 2. If two models are equally good, it does not
matter which of them gave which answer to a row. So the differences after random exchanges show how large a difference
is by chance alone.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nlptl.core.checks import within
from nlptl.core.config import MAX_BOOTSTRAP
from nlptl.evaluation.intervals import MAX_CELLS
from nlptl.evaluation.ratios import Floats

ROUNDING = 1e-9
"""Relative difference up to which two sums of the same numbers are equal."""


class Permutations(NamedTuple):
    """How answers are exchanged."""

    n: int
    """Number of permutations."""
    seed: int

    @staticmethod
    def of(n: int, seed: int) -> "Permutations":
        """Returns checked permutations.

        Raises:
            InputError: `n` is below 1 or above `MAX_BOOTSTRAP`.
        """
        within("n_permutations", n, 1, MAX_BOOTSTRAP)
        return Permutations(n, seed)

    def rows(self, n: int) -> Iterator[Floats]:
        """Yields 1 for each row that is exchanged, which half of them are, else 0, (permutations, n), in blocks.

        Args:
            n: number of rows.
        """
        random = np.random.default_rng(self.seed)
        for n_drawn in self._blocks(n):
            yield random.integers(0, 2, (n_drawn, n), dtype=np.int8).astype(np.float64)

    def alike(self, counts: npt.NDArray[np.int64]) -> Iterator[Floats]:
        """Yields how many of the rows that are alike are exchanged, (permutations, kinds), in blocks.

        Args:
            counts: number of rows of each kind, (kinds,).
        """
        random = np.random.default_rng(self.seed)
        for n_drawn in self._blocks(len(counts)):
            yield random.binomial(counts, 0.5, (n_drawn, len(counts))).astype(np.float64)

    def _blocks(self, width: int) -> Iterator[int]:
        """Yields numbers of permutations that fit into memory, and add up to all."""
        n_at_once = max(1, MAX_CELLS // width)
        for start in range(0, self.n, n_at_once):
            yield min(n_at_once, self.n - start)


class Permuted(NamedTuple):
    """A difference, and what it is after answers were exchanged."""

    value: float
    draws: Sequence[Floats]
    """In blocks, (permutations,) each."""

    @property
    def p_value(self) -> float:
        """The two-sided p-value, (1 + n as far from 0 as `value`) / (1 + permutations).

        Phipson and Smyth 2010, "Permutation p-values should never be zero", equation 2.
        """
        distances = np.abs(np.concatenate(self.draws))
        n_as_far = int(np.sum(distances >= abs(self.value) * (1 - ROUNDING) - np.finfo(float).tiny))
        return (1 + n_as_far) / (1 + len(distances))
