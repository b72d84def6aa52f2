"""What the training loop is given."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from nlptl.core.callbacks import Callback
from nlptl.core.checks import known
from nlptl.core.config import TrainConfig
from nlptl.core.phases import Phase
from nlptl.core.protocols import Model
from nlptl.core.records import Batch, Features
from nlptl.engine.prefix import Prefixes

Losses = Callable[[torch.Tensor, Batch], torch.Tensor]
Divergences = Callable[[torch.Tensor, torch.Tensor, Batch], torch.Tensor]


@dataclass(frozen=True)
class Among:
    """How many updates the other trainings of a run make: callbacks are told of all as of one."""

    before: int = 0
    after: int = 0


@dataclass(frozen=True)
class Job:
    """The model, data and settings of one training."""

    model: Model
    features: Features
    """Of training."""
    prefixes: Prefixes
    """Of the model's frozen layers."""
    weights: np.ndarray
    """float64 (n,): of each feature in the loss."""
    draw: np.ndarray | None
    """float64 (examples,): in proportion to it examples are drawn, with replacement; None: each comes once an epoch."""
    losses: Losses
    """The model's logits and their batch to the loss of each feature, (n,)."""
    evaluate: Callable[[], dict[str, float]]
    """Validation metrics of the current model; empty if there is no validation split."""
    metric: str
    """The evaluation's key that chooses the best state."""
    greater_is_better: bool
    config: TrainConfig
    lr: float
    row_ids: Sequence[int]
    """Of the training examples."""
    folder: Path
    """For checkpoints."""
    phases: Sequence[Phase] = (Phase(),)
    callbacks: Sequence[Callback] = ()
    """Are told how training goes on, in their order."""
    divergences: Divergences | None = None
    """The logits of two passes and their batch to how far they disagree on each feature, (n,); None: one pass is
    enough."""

    n_updates: int | None = None
    """Number of updates; None for those of train.epochs."""
    among: Among = Among()

    @property
    def n_epochs(self) -> int:
        """Passes over the training examples."""
        return known("train.epochs", self.config.epochs)

    @property
    def batch_size(self) -> int:
        """Examples of an update, over all processes."""
        return known("train.batch_size", self.config.batch_size)

    def note(self, note: Mapping[str, object]) -> None:
        """Passes a note to the callbacks, for metrics.jsonl."""
        counted = {**note, "update": self.among.before + int(str(note["update"]))}
        for callback in self.callbacks:
            callback.on_note(counted)
