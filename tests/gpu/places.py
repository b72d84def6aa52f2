"""Where a body runs, and training there."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from nlptl.core.protocols import Method
from nlptl.core.records import Batch, Example, Pretrained
from nlptl.engine import batching, device, loop
from nlptl.engine.checkpoint import Progress
from nlptl.engine.device import Compute
from nlptl.engine.job import Job
from tests import tiny
from tests.tiny import Record

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def place(where: torch.device, *values: Any) -> Any:
    """Returns a test's parameters: a device and some more; those on a GPU are marked."""
    marks = [pytest.mark.gpu] if where.type == "cuda" else []
    name = "-".join([where.type, *(getattr(v, "__name__", str(v)) for v in values)])
    return pytest.param(*((where, *values) if values else (where,)), marks=marks, id=name)


EITHER = [place(CPU), place(CUDA)]
FORMATS = [place(where, precision) for where in (CPU, CUDA) for precision in ("fp32", "bf16")]


def compute(precision: str) -> Compute:
    """Returns where runs compute on this machine, in a number format."""
    return device.start(precision)


def batch(pretrained: Pretrained, rows: list[Example], where: torch.device) -> Batch:
    """Returns some rows as one flat batch on a device."""
    features = tiny.features(pretrained, rows)
    return batching.collate(features, torch.arange(len(features)).numpy(), where)


@dataclass
class Trained:
    """A run of the loop, to its end or to where it was stopped."""

    pretrained: Pretrained
    progress: Progress
    record: Record
    before: dict[str, torch.Tensor]
    after: dict[str, torch.Tensor]

    @property
    def moved(self) -> torch.Tensor:
        """How far all weights are from where they began, float32 (n,)."""
        return torch.cat([(w - self.before[name]).flatten() for name, w in self.after.items()])


def train(
    base: Path,
    method: Method,
    folder: Path,
    *,
    compute: Compute,
    newest: Path | None = None,
    edit: Callable[[Job], Job] = lambda job: job,
    show: Callable[[int, float, int], None] | None = None,
    rows: list[Example] | None = None,
    lr: float = 1e-3,
    dropout: float | None = None,
    **fields: Any,
) -> Trained:
    """Returns a run of the loop on a tiny model, prepared as a recipe prepares it.

    Args:
        base: folder of the tiny model.
        method: edits it.
        folder: for checkpoints.
        compute: device and number format.
        newest: the checkpoint from which to go on.
        edit: changes the job.
        show: is told of each update.
        rows: of training.
        lr: learning rate.
        dropout: of the model.
        fields: training settings.
    """
    pretrained = tiny.prepared(base, method, seed=4, **({} if dropout is None else {"dropout": dropout}))
    pretrained.module.to(compute.device)
    job, record = tiny.job(pretrained, folder, tiny.train_config(**fields), rows, lr=lr, show=show)
    before = tiny.state(pretrained.module)
    progress = loop.train(edit(job), compute, newest)
    return Trained(pretrained, progress, record, before, tiny.state(pretrained.module))


def error_of(found: torch.Tensor, expected: torch.Tensor) -> float:
    """Returns the size of a difference, as a share of what was expected."""
    ours, right = found.detach().double(), expected.detach().double()
    return float((ours - right).norm() / right.norm())
