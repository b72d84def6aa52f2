"""One update: gradients of its rows, in micro-batches that fit into memory, over all processes; AdamW's step."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import torch

from nlptl.core.errors import TrainingError
from nlptl.core.protocols import Model
from nlptl.core.records import Batch
from nlptl.engine import graphs, optim, r_drop
from nlptl.engine.batching import micro_batches, put, share
from nlptl.engine.checkpoint import Progress
from nlptl.engine.device import Compute
from nlptl.engine.exchange import Exchange
from nlptl.engine.graphs import Graphs
from nlptl.engine.job import Job
from nlptl.engine.memory import give_back, ran_out
from nlptl.engine.prefix import Prefix
from nlptl.engine.sharding import whole

# Where train.micro_batch_tokens does not say it: tokens computed at once. How many keep a GPU busy is not measured.
ON_CPU, ON_GPU = 4096, 32_768
DROPOUT = 1  # beside (seed, epoch), from which the order is drawn


class Updates:
    """Computes updates of a model.

    Args:
        job: model, data and settings.
        compute: processes, device and number format.
        model: the job's, or its double that is divided over the processes.
        prefix: of the job's features.
        rates: exceptions for single parameters, by name: see `optim.optimizer`.
    """

    def __init__(
        self,
        job: Job,
        compute: Compute,
        model: Model,
        prefix: Prefix,
        rates: Mapping[str, optim.Rate] | None = None,
    ) -> None:
        self._job, self._compute, self._model, self._prefix = job, compute, model, prefix
        self._parameters = [p for p in model.parameters() if p.requires_grad]
        recorded = graphs.wanted(job.config, model, compute)
        own = {p: rates[name] for name, p in model.named_parameters() if rates and name in rates}
        self.optimizer = optim.optimizer(
            self._parameters, job.lr, job.config.weight_decay, rates=own, on_device=recorded
        )
        self._graphs = Graphs(self._on_device) if recorded else None
        # Made once: when memory has run out, there may be none left for it.
        self._told = torch.zeros(2, device=compute.device)  # an update's loss, and whether memory ran out
        self._exchange = Exchange(self._parameters, active=compute.n_processes > 1 and not compute.sharding)

    def close(self) -> None:
        """Removes the hooks from the model's parameters."""
        self._exchange.close()

    def do(self, rows: np.ndarray, progress: Progress) -> tuple[float, float]:
        """Returns loss and gradient norm of an update; if one is not finite, the step is skipped.

        Args:
            rows: of the update.
            progress: position before the update; a micro-batch that was halved for lack of memory is noted in it.
        """
        lengths = self._job.features.lengths[rows]
        few = lengths.sum() < self.tokens_at_once(progress)
        if self._graphs and few and len(rows) == self._job.batch_size:
            found = self._repeated_within_memory(self._graphs, rows, progress)
            if found:
                return found
        loss = None
        while loss is None:
            loss = self._backward_within_memory(rows, progress)
        total = whole(self._norm())
        norm = float(total)
        if math.isfinite(loss) and math.isfinite(norm):
            optim.step(self.optimizer, total, self._job.config.max_grad_norm)
        self.optimizer.zero_grad()
        return loss, norm

    def tokens_at_once(self, progress: Progress) -> int:
        """Returns the most tokens that are computed at once."""
        default = ON_GPU if self._compute.device.type == "cuda" else ON_CPU
        return progress.micro_batch_tokens or self._job.config.micro_batch_tokens or default

    def _backward_within_memory(self, rows: np.ndarray, progress: Progress) -> float | None:
        """Returns the loss; None if memory ran out in any process: then all halve their micro-batches."""
        told, error = self._told.zero_(), None
        try:
            told[0] = self._backward(rows, progress)
        except RuntimeError as found:
            if not ran_out(found) or self._compute.sharding:  # others wait within the pass for this one's weights
                raise
            error = found.with_traceback(None)  # which would keep the values that are too much
            told[1] = 1.0
        total, n_without = self._compute.sum(told).tolist()
        if n_without:
            self._halve(rows, progress, error)
            give_back()
            return None
        return float(total)

    def _halve(self, rows: np.ndarray, progress: Progress, error: RuntimeError | None) -> None:
        update, longest = progress.update + 1, int(self._job.features.lengths[rows].max())
        if self.tokens_at_once(progress) <= longest:
            raise TrainingError(
                f"update {update}: out of memory with a single row of {longest} tokens; a lower model.max_length or "
                "train.gradient_checkpointing true needs less"
            ) from error
        self.optimizer.zero_grad()
        half = self.tokens_at_once(progress) // 2
        progress.micro_batch_tokens = half
        self._job.note({"update": update, "out_of_memory": True, "micro_batch_tokens": half})

    def _backward(self, rows: np.ndarray, progress: Progress) -> torch.Tensor:
        draws = self._draws(progress.update, len(rows))
        device = self._compute.device
        total, parts = torch.zeros((), device=device), list(self._parts(rows, self.tokens_at_once(progress)))
        with self._exchange:
            for i, (part, weight) in enumerate(parts):
                if i == len(parts) - 1:
                    self._exchange.last()
                batch, cut = self._prefix.batch(rows[part])
                batch = replace(batch, draws=draws[part])
                loss = self._loss(batch, cut, put(weight, device))
                loss.backward()  # type: ignore[no-untyped-call]
                total += loss.detach()
        return total

    def _draws(self, update: int, n_rows: int) -> torch.Tensor:
        """Returns a random number for each row of an update, int64: a function of (seed, update, place of the row).

        Kernels that draw for themselves, as a GPU's, do so from torch's generator: (seed, update, process) decide it.
        """
        torch.manual_seed((self._job.config.seed * 1_000_003 + update) * 1_009 + self._compute.rank)
        random = np.random.default_rng([self._job.config.seed, update, DROPOUT])
        return torch.from_numpy(random.integers(-(2**63), 2**63, n_rows))

    def _loss(self, batch: Batch, cut: int, weight: torch.Tensor) -> torch.Tensor:
        def run(batch: Batch) -> torch.Tensor:
            with self._compute.autocast():
                return self._model(batch, cut)

        return (r_drop.losses(self._job, run, batch) * weight).sum()

    def _parts(self, rows: np.ndarray, max_tokens: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields the rows of each micro-batch of this process, and their weights in the loss, float32."""
        compute, padded = self._compute, not self._job.model.packs()
        lengths, weights = self._job.features.lengths[rows], self._job.weights[rows]
        total = max(weights.sum(), np.finfo(np.float32).tiny)  # of tags, all may be unknown

        def parts(rank: int) -> list[np.ndarray]:
            own = share(np.arange(len(rows)), lengths, rank, compute.n_processes)
            return list(micro_batches(own, lengths, max_tokens, padded=padded))

        own = parts(compute.rank)
        yield from ((part, (weights[part] / total).astype(np.float32)) for part in own)
        # Each exchange needs all processes; who has no rows left takes part, and adds nothing.
        n_needed = max(len(parts(rank)) for rank in range(compute.n_processes)) if compute.sharding else 1
        yield from ((np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.float32)) for _ in range(n_needed - len(own)))

    def _norm(self) -> torch.Tensor:
        return torch.nn.utils.get_total_norm([p.grad for p in self._parameters if p.grad is not None])

    def _repeated_within_memory(
        self, repeat: Graphs, rows: np.ndarray, progress: Progress
    ) -> tuple[float, float] | None:
        """Returns as `do`; None if memory ran out: then no more updates are recorded."""
        try:
            return self._repeated(repeat, rows, progress)
        except RuntimeError as error:
            if not ran_out(error):
                raise
        self._graphs = None
        self._job.note({"update": progress.update + 1, "out_of_memory": True, "cuda_graph": False})
        self.optimizer.zero_grad()
        give_back()
        return None

    def _repeated(self, repeat: Graphs, rows: np.ndarray, progress: Progress) -> tuple[float, float]:
        draws = self._draws(progress.update, len(rows))
        ((part, weight),) = self._parts(rows, self.tokens_at_once(progress))
        batch, _ = self._prefix.batch(rows[part])
        batch = replace(batch, draws=draws[part])
        loss, norm = repeat(batch, put(weight, self._compute.device)).tolist()
        self.optimizer.zero_grad()
        return loss, norm

    def _on_device(self, batch: Batch, weight: torch.Tensor) -> torch.Tensor:
        """Does an update without asking the device for anything; returns its loss and gradient norm there, (2,)."""
        loss = self._loss(batch, self._prefix.cut, weight)
        loss.backward()  # type: ignore[no-untyped-call]
        found = torch.stack((loss.detach(), self._norm()))
        optim.step_if_finite(self.optimizer, found, self._job.config.max_grad_norm)
        return found
