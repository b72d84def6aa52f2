"""The training loop. There is one, for every task, method and model."""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nlptl.config import TrainConfig
from nlptl.engine import checkpoint, optim, planning
from nlptl.engine.batching import Order, micro_batches, rows_of, share
from nlptl.engine.checkpoint import Progress
from nlptl.engine.device import Compute
from nlptl.engine.interrupt import Interrupt
from nlptl.engine.memory import give_back, ran_out
from nlptl.engine.prefix import Prefixes
from nlptl.engine.used_rows import UsedRows
from nlptl.errors import TrainingError
from nlptl.protocols import Model
from nlptl.records import Batch, Features

# Where train.checkpoint_every does not say it: time between checkpoints, and how often the time of writing one.
CHECKPOINT_S, CHECKPOINT_TIMES = 60.0, 50
Losses = Callable[[torch.Tensor, Batch], torch.Tensor]


@dataclass(frozen=True)
class Job:
    """What to train, on what, towards what."""

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
    """Validation metrics of the model as it is; empty where there is no validation split."""
    metric: str
    """The evaluation's key that chooses the best state."""
    greater_is_better: bool
    config: TrainConfig
    lr: float
    row_ids: Sequence[int]
    """Of the training examples."""
    folder: Path
    """For checkpoints."""
    log: Callable[[dict[str, Any]], None]
    """Takes a line of metrics.jsonl."""
    show: Callable[[int, float, int], None]
    """Takes the update, its loss and its number of examples, for the progress bar."""


def train(job: Job, compute: Compute, newest: Path | None = None) -> Progress:
    """Trains to the end, an early stop or an interruption, and leaves the chosen state in the model.

    Args:
        job: everything that defines the result.
        compute: processes, device and number format.
        newest: the checkpoint from which to go on; None to begin.

    Returns:
        How far it came; `finished` is False after an interruption.

    Raises:
        TrainingError: losses or gradients were not finite, train.max_skipped times in a row.
    """
    return _Loop(job, compute).run(newest)


class _Loop:
    def __init__(self, job: Job, compute: Compute) -> None:
        self.job, self.config, self.compute = job, job.config, compute
        self.accelerator = compute.accelerator
        self.progress = Progress()
        self.best: dict[str, torch.Tensor] | None = None
        self.used_rows = UsedRows(job.model, job.features)
        self.order = Order(len(job.features.full_lengths), job.config.batch_size, job.config.seed, job.draw)
        self.n_updates = self.order.per_epoch * job.config.epochs
        self.saved_at, self.save_s = time.monotonic(), 0.0
        self.interrupt = Interrupt()
        self.stopping = False

    def run(self, newest: Path | None) -> Progress:
        with self.interrupt, self.used_rows:
            self._begin(newest)
            while not self.progress.finished and not self.stopping:
                self._update()
                self._after_update()
            self._end()
        return self.progress

    def _begin(self, newest: Path | None) -> None:
        model, config = self.job.model, self.config
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.optimizer = optim.optimizer(self.parameters, self.job.lr, config.weight_decay)
        if newest:
            self.progress, self.best = checkpoint.load(newest, model, self.optimizer)
            self.progress.stopped_by = None
        began = time.perf_counter()
        self.prefix = self.job.prefixes.of(self.job.features, self.compute)
        self.progress.train_s += time.perf_counter() - began  # it does the work of updates
        if newest is None:
            self._plan()
        model.eval()  # as after an evaluation: an update begins by setting training mode
        self.wrapped, self.stepper = self.accelerator.prepare(model, self.optimizer)

    def _plan(self) -> None:
        """Lowers what is computed at once to what memory holds, as measured on the longest row."""
        model, compute, longest = self.job.model, self.compute, int(self.job.features.lengths.max())
        batch, cut = self.prefix.batch(np.array([self.job.features.lengths.argmax()]))

        def forward() -> torch.Tensor:
            with compute.autocast():
                return self.job.losses(model(batch, cut), batch)

        model.train()
        n_sharing = compute.n_processes if compute.device.type == "cpu" else 1
        try:
            kept = planning.kept(forward, model.parameters())
            fit = planning.tokens_that_fit(kept, longest, compute.device, n_sharing)
        except RuntimeError as error:
            if not ran_out(error):
                raise
            fit = 1
        fit = int(compute.from_main(lambda: str(fit)))
        if fit < self.config.micro_batch_tokens:
            self.job.log({"update": 0, "planned": True, "micro_batch_tokens": fit})
            self.progress.micro_batch_tokens = fit
            self._save()  # a resumed run must do the same, whatever is free then

    def _end(self) -> None:
        if not self.progress.finished:
            self.progress.stopped_by = self.interrupt.signal
            self._save()
        elif self.best is not None:
            checkpoint.put(self.best, self.job.model)
        self.accelerator.unwrap_model(self.wrapped, keep_fp32_wrapper=False)  # a launcher may have set autocast

    def _update(self) -> None:
        began, update = time.perf_counter(), self.progress.update
        examples = self._examples(update)
        lr = self.job.lr * optim.lr_factor(update, self.n_updates, self.config)
        optim.set_lr(self.optimizer, lr)
        if not self.job.model.training:
            self.job.model.train()
        rows = rows_of(examples, self.job.features)
        loss = None
        while loss is None:
            loss = self._backward_within_memory(rows)
        norm = self._clip()
        finite = math.isfinite(loss) and math.isfinite(norm)
        if finite:
            self.stepper.step()
        self.stepper.zero_grad()
        self.progress.update += 1
        self.progress.n_examples += len(examples)
        self.progress.train_s += time.perf_counter() - began
        self.job.show(self.progress.update, loss, len(examples))
        if not finite:
            self._skipped(examples, f"loss {loss}, gradient norm {norm}")
        else:
            self.progress.n_skipped_in_a_row = 0
            if self.progress.update % self.config.log_every == 0:
                self.job.log({"update": self.progress.update, "loss": loss, "lr": lr, "grad_norm": norm})

    def _examples(self, update: int) -> np.ndarray:
        epoch, position = divmod(update, self.order.per_epoch)
        if position == 0 or not hasattr(self, "epoch"):
            self.epoch = self.order.updates(epoch)
        return self.epoch[position]

    def _backward_within_memory(self, rows: np.ndarray) -> float | None:
        """Returns the loss; None where memory ran out, and the next attempt computes half as many tokens at once."""
        try:
            return self._backward(rows)
        except RuntimeError as error:
            # With several processes the others wait within the backward pass for what this one does not send.
            if not ran_out(error) or self.compute.n_processes > 1:
                raise
            self._halve(rows, error)
        give_back()
        return None

    def _halve(self, rows: np.ndarray, error: RuntimeError) -> None:
        tokens, longest = self._micro_batch_tokens, int(self.job.features.lengths[rows].max())
        if tokens <= longest:
            raise TrainingError(
                f"update {self.progress.update + 1}: out of memory with a single row of {longest} tokens; a lower "
                "model.max_length or train.gradient_checkpointing true needs less"
            ) from error
        self.stepper.zero_grad()
        self.progress.micro_batch_tokens = tokens // 2
        self.job.log({"update": self.progress.update + 1, "out_of_memory": True, "micro_batch_tokens": tokens // 2})

    @property
    def _micro_batch_tokens(self) -> int:
        return self.progress.micro_batch_tokens or self.config.micro_batch_tokens

    def _backward(self, rows: np.ndarray) -> float:
        # Dropout is a function of (seed, update, process), so a resumed run draws what the first would have drawn.
        torch.manual_seed((self.config.seed * 1_000_003 + self.progress.update) * 1_009 + self.compute.rank)
        job, lengths, n_processes = self.job, self.job.features.lengths, self.compute.n_processes
        own = share(rows, lengths, self.compute.rank, n_processes)
        weights = job.weights / max(job.weights[rows].sum(), np.finfo(np.float32).tiny)  # of tags, all may be unknown
        if not len(own):  # fewer rows than processes: take part in the exchange of gradients, add nothing
            own, weights = rows[:1], np.zeros_like(weights)
        parts = list(micro_batches(own, lengths, self._micro_batch_tokens, padded=not job.model.packs()))
        total = torch.zeros((), device=self.compute.device)
        for i, part in enumerate(parts):
            exchange = nullcontext() if i == len(parts) - 1 else self.accelerator.no_sync(self.wrapped)
            with exchange:
                batch, cut = self.prefix.batch(part)
                share_of_update = torch.from_numpy(weights[part]).to(self.compute.device, torch.float32)
                with self.compute.autocast():
                    logits = self.wrapped(batch, cut)
                loss = (job.losses(logits, batch) * share_of_update).sum()
                self.accelerator.backward(loss * n_processes)  # DDP takes the mean over processes; the sum is wanted
            total += loss.detach()
        return float(self.compute.sum(total))

    def _clip(self) -> float:
        limit = self.config.max_grad_norm or math.inf
        norm = torch.nn.utils.get_total_norm([p.grad for p in self.parameters if p.grad is not None])
        # Fused AdamW divides by it on the way, which saves a pass over all gradients.
        self.optimizer.grad_scale = norm / limit if float(norm) > limit else None  # type: ignore[attr-defined]
        return float(norm)

    def _skipped(self, examples: np.ndarray, why: str) -> None:
        progress, most = self.progress, self.config.max_skipped
        progress.n_skipped += 1
        progress.n_skipped_in_a_row += 1
        row_ids = [self.job.row_ids[i] for i in examples]
        self.job.log({"update": progress.update, "skipped": why, "row_ids": row_ids})
        if progress.n_skipped_in_a_row < most and progress.n_skipped < self.n_updates:
            return
        self._save()
        times = f", {progress.n_skipped_in_a_row} times in a row" if progress.n_skipped_in_a_row > 1 else ""
        raise TrainingError(
            f"update {progress.update}: {why}: not finite{times}; the state before is kept in {self.job.folder}, the "
            "rows are listed in metrics.jsonl; a lower train.lr or train.precision fp32 often helps"
        )

    def _after_update(self) -> None:
        progress, config = self.progress, self.config
        last = progress.update == self.n_updates
        every = config.evaluate_every or self.order.per_epoch
        evaluated = last or progress.update % every == 0
        if evaluated:
            self._evaluate()
        patience = config.early_stopping
        stopped = patience is not None and progress.n_without_gain >= patience
        progress.finished = last or stopped
        overdue = time.monotonic() - self.saved_at > max(CHECKPOINT_S, CHECKPOINT_TIMES * self.save_s)
        # Signals and clocks are a process's own: what one decides, all do after the same update.
        self.stopping, overdue = self.compute.any(self.interrupt.requested, overdue)
        due = progress.update % config.checkpoint_every == 0 if config.checkpoint_every else overdue
        if due and not progress.finished:
            self._save()

    def _evaluate(self) -> None:
        self.used_rows.write_back()
        metrics = self.job.evaluate()
        progress = self.progress
        progress.validation = metrics
        if not metrics:
            return
        score = metrics[self.job.metric]
        self.job.log(
            {"update": progress.update, "epoch": progress.update / self.order.per_epoch, "validation": metrics}
        )
        sign = 1 if self.job.greater_is_better else -1
        if progress.best_score is None or sign * score > sign * progress.best_score:
            progress.best_score, progress.best_update, progress.n_without_gain = score, progress.update, 0
            if self.config.keep == "best":
                self.best = {name: p.clone() for name, p in checkpoint.trained(self.job.model).items()}
        else:
            progress.n_without_gain += 1

    def _save(self) -> None:
        began = time.monotonic()
        if self.compute.is_main:
            folder, n_kept = self.job.folder / f"update-{self.progress.update:08d}", self.config.keep_checkpoints
            checkpoint.save(folder, self.job.model, self.optimizer, self.progress, self.best, n_kept)
        self.accelerator.wait_for_everyone()
        self.saved_at = time.monotonic()
        self.save_s = self.saved_at - began
        self.progress.checkpoint_s += self.save_s
