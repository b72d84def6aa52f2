"""What holds of every head; the file of a head overrides what differs."""

import importlib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import nn

from nlptl.core import kinds
from nlptl.models.family import Family


class AnyHead:
    """A head over the vectors of rows or tokens."""

    def logits(self, family: Family, net: nn.Module, vectors: torch.Tensor) -> torch.Tensor:
        """Returns a packed model's logits from its vectors.

        Args:
            family: of the net.
            net: with transformers' head.
            vectors: (n, hidden) of rows, or (n_tokens, hidden).
        """
        raise NotImplementedError

    def by_place(self, found: Any) -> torch.Tensor:
        """Returns a padded model's logits, (n, ...) of rows or (n, longest, ...), from what transformers returns."""
        return found.logits  # type: ignore[no-any-return]

    def is_own(self, raw: Mapping[str, Any], names: Sequence[str]) -> bool:
        """Returns whether a checkpoint's head is the one that is wanted.

        Args:
            raw: its config.json.
            names: the labels that are wanted, in order.
        """
        known = {int(i): str(name) for i, name in (raw.get("id2label") or {}).items()}
        return tuple(known[i] for i in sorted(known)) == tuple(names)


@cache
def head_of(name: kinds.Head) -> AnyHead:
    """Returns how a head is run."""
    found: AnyHead = importlib.import_module(f"nlptl.models.heads.{FILES[name]}").HEAD
    return found


FILES: dict[kinds.Head, str] = {
    "SequenceClassification": "sequence",
    "TokenClassification": "token",
    "QuestionAnswering": "question",
    "Seq2SeqLM": "writer",
}
