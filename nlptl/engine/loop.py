"""The training loop. There is one, for every task, method and model."""

import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from nlptl.engine import checkpoint, optim, planning
from nlptl.engine.batching import Order, micro_batches, rows_of, share
from nlptl.engine.checkpoint import Progress
from nlptl.engine.device import Compute
from nlptl.engine.exchange import Exchange
from nlptl.engine.interrupt import Interrupt
from nlptl.engine.job import Job
from nlptl.engine.memory import give_back, ran_out
from nlptl.engine.sharding import Shards, whole
from nlptl.engine.used_rows import UsedRows
from nlptl.errors import TrainingError

# Where train.checkpoint_every does not say it: time between checkpoints, and how often the time of writing one.
CHECKPOINT_S, CHECKPOINT_TIMES = 60.0, 50


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
            with self.used_rows, self.shards:
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
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = optim.optimizer(self.parameters, self.job.lr, self.config.weight_decay)
        several = self.compute.n_processes > 1 and not self.compute.sharding
        self.exchange = Exchange(self.parameters, active=several)
        if newest:
            self.progress, self.best = checkpoint.load(newest, self.model, self.optimizer)
            self.progress.stopped_by = None
        elif fit and fit < self.config.micro_batch_tokens:
            self.job.log({"update": 0, "planned": True, "micro_batch_tokens": fit})
            self.progress.micro_batch_tokens = fit
            self._save()  # a resumed run must do the same, whatever is free then
        self.model.eval()  # as after an evaluation: an update begins by setting training mode

    def _end(self) -> None:
        if not self.progress.finished:
            self.progress.stopped_by = self.interrupt.signal
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
        rows = rows_of(examples, self.job.features)
        loss = None
        while loss is None:
            loss = self._backward_within_memory(rows)
        norm = self._clip()
        finite = math.isfinite(loss) and math.isfinite(norm)
        if finite:
            self.optimizer.step()
        self.optimizer.zero_grad()
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
        """Returns the loss; None where memory ran out in any process, and all compute half as many tokens at once."""
        loss, error = torch.zeros((), device=self.compute.device), None
        try:
            loss = self._backward(rows)
        except RuntimeError as found:
            if not ran_out(found) or self.compute.sharding:  # others wait within the pass for this one's weights
                raise
            error = found.with_traceback(None)  # which would keep the values that are too much
        without = torch.tensor(float(error is not None), device=self.compute.device)
        total, n_without = self.compute.sum(torch.stack((loss, without))).tolist()
        if n_without:
            self._halve(rows, error)
            give_back()
            return None
        return float(total)

    def _halve(self, rows: np.ndarray, error: RuntimeError | None) -> None:
        tokens, longest = self._micro_batch_tokens, int(self.job.features.lengths[rows].max())
        if tokens <= longest:
            raise TrainingError(
                f"update {self.progress.update + 1}: out of memory with a single row of {longest} tokens; a lower "
                "model.max_length or train.gradient_checkpointing true needs less"
            ) from error
        self.optimizer.zero_grad()
        self.progress.micro_batch_tokens = tokens // 2
        self.job.log({"update": self.progress.update + 1, "out_of_memory": True, "micro_batch_tokens": tokens // 2})

    @property
    def _micro_batch_tokens(self) -> int:
        return self.progress.micro_batch_tokens or self.config.micro_batch_tokens

    def _backward(self, rows: np.ndarray) -> torch.Tensor:
        # Dropout is a function of (seed, update, process), so a resumed run draws what the first would have drawn.
        torch.manual_seed((self.config.seed * 1_000_003 + self.progress.update) * 1_009 + self.compute.rank)
        job, device = self.job, self.compute.device
        weights = job.weights / max(job.weights[rows].sum(), np.finfo(np.float32).tiny)  # of tags, all may be unknown
        total, parts = torch.zeros((), device=device), list(self._micro_batches(rows, weights))
        with self.exchange:
            for i, (part, weight) in enumerate(parts):
                if i == len(parts) - 1:
                    self.exchange.last()
                batch, cut = self.prefix.batch(part)
                with self.compute.autocast():
                    logits = self.model(batch, cut)
                share_of_update = torch.from_numpy(weight).to(device, torch.float32)
                loss = (job.losses(logits, batch) * share_of_update).sum()
                loss.backward()  # type: ignore[no-untyped-call]
                total += loss.detach()
        return total

    def _micro_batches(self, rows: np.ndarray, weights: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields the rows that this process computes at once, and what each weighs in the loss."""
        compute, padded = self.compute, not self.job.model.packs()

        def parts(rank: int) -> list[np.ndarray]:
            own = share(rows, self.job.features.lengths, rank, compute.n_processes)
            return list(micro_batches(own, self.job.features.lengths, self._micro_batch_tokens, padded=padded))

        own = parts(compute.rank)
        yield from ((part, weights[part]) for part in own)
        # Each exchange needs all processes; who has no rows left takes part, and adds nothing.
        n_needed = max(len(parts(rank)) for rank in range(compute.n_processes)) if compute.sharding else 1
        yield from ((rows[:1], np.zeros(1)) for _ in range(n_needed - len(own)))

    def _clip(self) -> float:
        limit = self.config.max_grad_norm or math.inf
        norm = whole(torch.nn.utils.get_total_norm([p.grad for p in self.parameters if p.grad is not None]))
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
