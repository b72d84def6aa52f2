"""R-Drop: two passes over the same rows, which drop different values, must agree (Liang et al. 2021).

Of a row with the loss L and two distributions over its answers, p and q, equation 4 of the paper is
L(p) + L(q) + alpha * (KL(p||q) + KL(q||p)) / 2. Here a row's loss is half of it, so that it has the size of one pass:

    (L(p) + L(q)) / 2 + alpha * (KL(p||q) + KL(q||p)) / 4

The code in the authors' repository halves the first part alone: its alpha is half of this one, which is the paper's.
"""

from collections.abc import Callable
from dataclasses import replace

import torch

from nlptl.core import kinds
from nlptl.core.config import TrainConfig
from nlptl.core.errors import InputError
from nlptl.core.kinds import Kind
from nlptl.core.protocols import Model
from nlptl.core.records import Batch
from nlptl.engine.job import Job

OTHER = 0x5851F42D4C957F2D  # any number that changes many bits


def check(config: TrainConfig, kind: Kind, model: Model) -> None:
    """Checks that train.r_drop, if it is set, has an effect.

    Args:
        config: training settings.
        kind: of the task's answers.
        model: has `requires_grad` on what is trained.

    Raises:
        InputError: the task has no distributions to compare, or no value is dropped.
    """
    if not config.r_drop:
        return
    if not kind.compares:
        known = ", ".join(kinds.having(lambda kind: kind.compares))
        raise InputError(
            f"train.r_drop compares distributions over answers, and {kind.answer} has none: set train.r_drop 0 "
            f"(kinds of answers that have one: {known})"
        )
    if not model.drops():
        raise InputError(
            "train.r_drop compares two passes with different dropout, and nothing that is trained has dropout: set "
            "train.r_drop 0, or model.dropout above 0"
        )


def losses(job: Job, run: Callable[[Batch], torch.Tensor], batch: Batch) -> torch.Tensor:
    """Returns the loss of each feature, (n,), from one pass or, with train.r_drop, from two.

    Args:
        job: its losses, divergences and settings.
        run: from a batch to the model's logits.
        batch: the features.
    """
    logits = run(batch)
    if job.divergences is None:
        return job.losses(logits, batch)
    others = run(again(batch))
    both = (job.losses(logits, batch) + job.losses(others, batch)) / 2
    return both + job.config.r_drop / 2 * job.divergences(logits, others, batch)


def again(batch: Batch) -> Batch:
    """Returns a batch with other draws, which follow from its own; without any, torch's generator goes on."""
    return batch if batch.draws is None else replace(batch, draws=batch.draws ^ OTHER)
