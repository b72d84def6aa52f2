"""The training loop. There is one, for every task, method and model."""

import math
import time
from pathlib import Path

import numpy as np
import torch

from nlptl.core.errors import TrainingError
from nlptl.engine import checkpoint, optim, planning
from nlptl.engine.batching import Order, rows_of
from nlptl.engine.checkpoint import Progress
from nlptl.engine.device import Compute
from nlptl.engine.frozen import rounded_once
from nlptl.engine.interrupt import Interrupt
from nlptl.engine.job import Job
from nlptl.engine.sharding import Shards
from nlptl.engine.update import Updates
from nlptl.engine.used_rows import UsedRows

# Where train.checkpoint_every does not say it: time between checkpoints, and how often the time of writing one.
CHECKPOINT_S, CHECKPOINT_TIMES = 60.0, 50
END_S = 30.0  # training that is not lost if the run is stopped after the last update, while it is evaluated and saved


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
        self.progress = Progress()
        self.best: dict[str, torch.Tensor] | None = None
        self.used_rows = UsedRows(job.model, job.features)
        place = (compute.device, compute.n_processes, compute.sharding)
        self.shards = Shards(job.model, *place, shared=self.used_rows.set_aside)
        self.order = Order(len(job.features.full_lengths), job.config.batch_size, job.config.seed, job.draw)
        self.n_updates = self.order.per_epoch * job.config.epochs
        self.saved_at, self.save_s = time.monotonic(), 0.0
        self.interrupt = Interrupt()
        self.stopping = False

    def run(self, newest: Path | None) -> Progress:
        with self.interrupt:
            began = time.perf_counter()
            self.prefix = self.job.prefixes.of(self.job.features, self.compute)
            took, fit = time.perf_counter() - began, None if newest else self._tokens_that_fit()
            with self.used_rows, self.shards, rounded_once(self.shards.model, self.compute):
                self._begin(newest, fit)
                self.progress.train_s += took  # it does the work of updates
                while not self.progress.finished and not self.stopping:
                    self._update()
                    self._after_update()
                self._end()
        return self.progress

    def _tokens_that_fit(self) -> int:
        """Returns how many tokens memory holds at once, as measured on the longest row."""
        model, longest = self.job.model, int(self.job.features.lengths.max())
        batch, cut = self.prefix.batch(np.array([self.job.features.lengths.argmax()]))

        def forward() -> torch.Tensor:
            with self.compute.autocast():
                return self.job.losses(model(batch, cut), batch)

        model.train()
        return planning.measured(forward, model, longest, self.compute)

    def _begin(self, newest: Path | None, fit: int | None) -> None:
        self.model = self.shards.model
        self.updates = Updates(self.job, self.compute, self.model, self.prefix)
        self.optimizer = self.updates.optimizer
        if newest:
            self.progress, self.best = checkpoint.load(newest, self.model, self.optimizer)
            self.progress.stopped_by = None
        elif fit and fit < self.updates.tokens_at_once(self.progress):
            self.job.log({"update": 0, "planned": True, "micro_batch_tokens": fit})
            self.progress.micro_batch_tokens = fit
            self._save()  # a resumed run must do the same, whatever is free then
        self.model.eval()  # as after an evaluation: an update begins by setting training mode

    def _end(self) -> None:
        if self.stopping or not self.progress.finished:
            self.progress.stopped_by = self.interrupt.signal or "SIGINT"  # that of another process
            self._save()
        elif self.best is not None:
            checkpoint.put(self.best, self.model)

    def _update(self) -> None:
        began, update = time.perf_counter(), self.progress.update
        examples = self._examples(update)
        lr = self.job.lr * optim.lr_factor(update, self.n_updates, self.config)
        optim.set_lr(self.optimizer, lr)
        if not self.model.training:
            self.model.train()
        loss, norm = self.updates.do(rows_of(examples, self.job.features), self.progress)
        self.progress.update += 1
        self.progress.n_examples += len(examples)
        self.progress.train_s += time.perf_counter() - began
        self.job.show(self.progress.update, loss, len(examples))
        if not (math.isfinite(loss) and math.isfinite(norm)):
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
        if last or progress.update % (config.evaluate_every or self.order.per_epoch) == 0:
            self._evaluate()
        patience = config.early_stopping
        stopped = patience is not None and progress.n_without_gain >= patience
        progress.finished = last or stopped
        least_s = END_S if progress.finished else CHECKPOINT_S
        overdue = time.monotonic() - self.saved_at > max(least_s, CHECKPOINT_TIMES * self.save_s)
        # Signals and clocks are a process's own: what one decides, all do after the same update.
        self.stopping, overdue = self.compute.any(self.interrupt.requested, overdue)
        every = config.checkpoint_every
        if overdue if every is None else progress.finished or progress.update % every == 0:
            self._save()

    def _evaluate(self) -> None:
        with self.shards.gathered():
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
                self.best = {name: p.clone() for name, p in checkpoint.trained(self.model).items()}
        else:
            progress.n_without_gain += 1

    def _save(self) -> None:
        began = time.monotonic()
        folder = self.job.folder / f"update-{self.progress.update:08d}"
        state, n_kept = (self.optimizer, self.progress, self.best), self.config.keep_checkpoints
        checkpoint.save(folder, self.model, *state, n_kept, is_main=self.compute.is_main)
        self.compute.wait()
        self.saved_at = time.monotonic()
        self.save_s = self.saved_at - began
        self.progress.checkpoint_s += self.save_s
