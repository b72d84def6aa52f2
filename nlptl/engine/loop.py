"""The one training loop, for every task, method and model."""

import math
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Unpack

import numpy as np
import torch

from nlptl.core.errors import TrainingError
from nlptl.core.phases import PhaseDone
from nlptl.engine import checkpoint, optim, phases, planning, r_drop
from nlptl.engine.average import Average
from nlptl.engine.batching import Order, rows_of
from nlptl.engine.checkpoint import Progress, State, Tensors
from nlptl.engine.device import Compute
from nlptl.engine.frozen import rounded_once
from nlptl.engine.interrupt import Interrupt
from nlptl.engine.job import Job
from nlptl.engine.kept import Kept
from nlptl.engine.phases import Planned
from nlptl.engine.sharding import Shards
from nlptl.engine.telling import Event, OfEvent, Telling
from nlptl.engine.update import Updates
from nlptl.engine.used_rows import UsedRows

# Where train.checkpoint_every does not say it: time between checkpoints, and how often the time of writing one.
CHECKPOINT_S, CHECKPOINT_TIMES = 60.0, 50
END_S = 30.0  # training that is not lost if the run is stopped after the last update, while it is evaluated and saved


def train(job: Job, compute: Compute, newest: Path | None = None) -> Progress:
    """Trains to the end, an early stop or an interruption, and leaves the chosen state in the model.

    Args:
        job: model, data and settings.
        compute: processes, device and number format.
        newest: the checkpoint to resume from, read by the main process alone; None to begin.

    Returns:
        The position reached; `finished` is False after an interruption.

    Raises:
        TrainingError: losses or gradients were not finite, train.max_skipped times in a row.
    """
    return _Loop(job, compute).run(newest)


class _Loop:
    def __init__(self, job: Job, compute: Compute) -> None:
        self.job, self.config, self.compute = job, job.config, compute
        self.progress = Progress()
        self.best: Tensors | None = None
        self.moments: Tensors = {}
        """The optimizer's state of what earlier phases trained."""
        self.order = Order(len(job.features.full_lengths), job.batch_size, job.config.seed, job.draw)
        self.n_updates = job.n_updates or self.order.per_epoch * job.n_epochs
        self.phases = phases.planned(job.phases, job.model, self.n_updates)
        self.phase = self.phases[0]
        names = frozenset[str]().union(*(planned.names for planned in self.phases))
        self.used_rows = UsedRows(job.model, job.features, names)
        self.kept = Kept(job.model, names, self.used_rows)
        self.average = Average(job.config, self.order.per_epoch, self.kept)
        self.saved_at, self.save_s = time.monotonic(), 0.0
        self.interrupt = Interrupt()
        self.stopping = False
        self.telling = Telling(job.callbacks, job.among, self.n_updates, self.order.per_epoch)

    def run(self, newest: Path | None) -> Progress:
        with self.interrupt:
            if newest:
                self._load(newest)
            self.phase = next((p for p in self.phases if p.end > self.progress.update), self.phases[-1])
            self._tell("on_begin")
            for planned in self.phases:
                if planned.end > self.progress.update and not self.progress.finished and not self.stopping:
                    self._do(planned)
            self.progress.finished |= self.progress.update == self.n_updates
            self._end()
        return self.progress

    def _load(self, newest: Path) -> None:
        self.phases[0].phase.begin()
        state, self.progress = checkpoint.from_main(newest, self.compute)
        state = checkpoint.named(state, self.job.model)
        self.kept.put(state.weights)
        self.moments, self.best, self.average.values = state.moments, state.best, state.average
        if self.progress.interrupted:
            self.progress.interrupted, self.progress.stopped_by = False, None
        if not self.progress.phases:  # written before there were phases
            done = PhaseDone(0, self.phase.phase.name, self.phase.trainable)
            done.updates, done.train_s = self.progress.update, self.progress.train_s
            self.progress.phases.append(done)

    def _do(self, planned: Planned) -> None:
        """Runs a phase from its beginning, or from a checkpoint, to its end or to an interruption."""
        self.phase = planned
        began = time.perf_counter()
        planned.phase.begin()
        if planned.index:
            self.job.prefixes.renew()
        self.prefix = self.job.prefixes.of(self.job.features, self.compute)
        took, fit = time.perf_counter() - began, self._tokens_that_fit() if self._is_new() else None
        place = (self.compute.device, self.compute.n_processes, self.compute.sharding)
        self.shards = Shards(self.job.model, *place, shared=self.used_rows.set_aside)
        with self.used_rows, self.shards, rounded_once(self.shards.model, self.compute):
            self._begin(fit)
            self._count(took)  # it does the work of updates
            with closing(self.updates):
                while self.progress.update < planned.end and not self.progress.finished and not self.stopping:
                    self._update()
                    self._after_update()
            self._leave()

    def _is_new(self) -> bool:
        """Returns whether the phase begins here, in this run or in the one that it resumes."""
        done = self.progress.phases
        return not done or done[-1].phase != self.phase.index

    def _tokens_that_fit(self) -> int:
        """Returns how many tokens fit into memory at once, measured on the longest row."""
        model, longest = self.job.model, int(self.job.features.lengths.max())
        batch, cut = self.prefix.batch(np.array([self.job.features.lengths.argmax()]))

        def forward() -> torch.Tensor:
            with self.compute.autocast():
                return r_drop.losses(self.job, partial(model, cut=cut), batch)

        model.train()
        return planning.measured(forward, model, longest, self.compute)

    def _begin(self, fit: int | None) -> None:
        self.model, rates = self.shards.model, phases.rates(self.phase.phase, self.job.model, self.config.layer_decay)
        self.updates = Updates(self.job, self.compute, self.model, self.prefix, rates)
        self.optimizer = self.updates.optimizer
        self.names: dict[torch.Tensor, str] = {p: name for name, p in self.model.named_parameters()}
        optim.set_moments(self.optimizer, self.names, self.moments)
        kept = self.phase.names  # by the optimizer, from here on
        self.moments = {key: v for key, v in self.moments.items() if key.rpartition(".")[0] not in kept}
        if self.best is not None:
            self.best = self.kept.placed(self.best, self.model)
        self.average.begin(self.model)
        if self._is_new():
            self.progress.phases.append(self.phase.done())
        self.progress.phases[-1].cut = self.prefix.cut
        if len(self.phases) > 1 and self.progress.update == self.phase.start:
            done = self.progress.phases[-1]
            told = {"phase": done.phase, "name": done.name, "trainable": done.trainable, "cut": done.cut}
            self.job.note({"update": self.phase.start + 1, **told})
        if fit and fit < self.updates.tokens_at_once(self.progress):
            self.job.note({"update": self.progress.update, "planned": True, "micro_batch_tokens": fit})
            self.progress.micro_batch_tokens = fit
            self._save()  # a resumed run must do the same, whatever is free then
        self.model.eval()  # as after an evaluation: an update begins by setting training mode

    def _leave(self) -> None:
        if self.stopping:
            self.progress.interrupted = True
            self.progress.stopped_by = self.interrupt.signal or "SIGINT"  # that of another process
            self._save()
        self.moments = self._moments()

    def _moments(self) -> Tensors:
        return self.moments | optim.moments(self.optimizer, self.names)

    def _end(self) -> None:
        chosen = self.average.values if self.best is None else self.best
        if self.progress.finished and chosen is not None:
            self.kept.put(chosen)
        if len(self.phases) > 1:
            self._mark_trained()
        self._tell("on_end", stopped_by=self.progress.stopped_by)

    def _mark_trained(self) -> None:
        """Leaves `requires_grad` on all that was trained, in whichever phase."""
        begun = [self.phases[done.phase].names for done in self.progress.phases]
        names = frozenset[str]().union(*begun)
        for name, parameter in self.job.model.named_parameters():
            parameter.requires_grad_(name in names)
        self.job.prefixes.renew()

    def _count(self, seconds: float) -> None:
        self.progress.train_s += seconds
        self.progress.phases[-1].train_s += seconds

    def _update(self) -> None:
        began, update = time.perf_counter(), self.progress.update
        examples = self._examples(update)
        lr = self.job.lr * optim.lr_factor(update, self.n_updates, self.config)
        optim.set_lr(self.optimizer, lr)
        if not self.model.training:
            self.model.train()
        loss, norm = self.updates.do(rows_of(examples, self.job.features), self.progress)
        self.progress.update += 1
        self.average.add(self.progress.update, self.model)
        self.progress.n_examples += len(examples)
        self.progress.phases[-1].updates += 1
        self._count(time.perf_counter() - began)
        self.telling.last = {"loss": loss, "lr": lr, "grad_norm": norm}
        if math.isfinite(loss) and math.isfinite(norm):
            self.progress.n_skipped_in_a_row = 0
            self._tell("on_update")
        else:
            self._skipped(examples, f"loss {loss}, gradient norm {norm}")

    def _examples(self, update: int) -> np.ndarray:
        epoch, position = divmod(update, self.order.per_epoch)
        if position == 0 or not hasattr(self, "epoch"):
            self.epoch = self.order.updates(epoch)
        return self.epoch[position]

    def _skipped(self, examples: np.ndarray, why: str) -> None:
        progress, most = self.progress, self.config.max_skipped
        progress.n_skipped += 1
        progress.n_skipped_in_a_row += 1
        self._tell("on_update", skipped=why, row_ids=tuple(self.job.row_ids[i] for i in examples))
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
        evaluated = last or progress.update % (config.evaluate_every or self.order.per_epoch) == 0
        if evaluated:
            self._evaluate()
        patience = config.early_stopping
        stopped = patience is not None and progress.n_without_gain >= patience
        progress.finished = last or stopped
        least_s = END_S if progress.finished else CHECKPOINT_S
        overdue = time.monotonic() - self.saved_at > max(least_s, CHECKPOINT_TIMES * self.save_s)
        # Signals and clocks are a process's own: what one decides, all do after the same update.
        asked = self.telling.asked is not None
        self.stopping, overdue, asked = self.compute.any(self.interrupt.requested, overdue, asked)
        if asked:
            self._stop(evaluated=evaluated)
        every = config.checkpoint_every
        if overdue if every is None else progress.finished or progress.update % every == 0:
            self._save()

    def _evaluate(self) -> None:
        with self.average.shown(self.model):
            with self.shards.gathered():
                self.used_rows.write_back()
                metrics = self.job.evaluate()
            self._judge(metrics)

    def _judge(self, metrics: dict[str, float]) -> None:
        progress = self.progress
        progress.validation = metrics
        if not metrics:
            return
        score = metrics[self.job.metric]
        sign = 1 if self.job.greater_is_better else -1
        if progress.best_score is None or sign * score > sign * progress.best_score:
            progress.best_score, progress.best_update, progress.n_without_gain = score, progress.update, 0
            if self.config.keep == "best":
                self.best = self.kept.copy(self.model)
        else:
            progress.n_without_gain += 1
        self._tell("on_evaluate")

    def _stop(self, *, evaluated: bool) -> None:
        """Ends the run as after its last update, because a callback of this or of another process asked for it."""
        if not evaluated:
            self._evaluate()
        self.progress.finished = True
        self.progress.stopped_by = self.telling.asked or "a callback of another process"

    def _tell(self, event: Event, **more: Unpack[OfEvent]) -> None:
        self.telling(event, self.progress, self.phase, **more)

    def _save(self) -> None:
        began = time.monotonic()
        folder = self.job.folder / f"update-{self.progress.update:08d}"
        state = State(self.kept.of(self.model), self._moments(), self.best, self.average.values)
        checkpoint.save(folder, state, self.progress, self.config.keep_checkpoints, is_main=self.compute.is_main)
        self.compute.wait()
        self.saved_at = time.monotonic()
        self.save_s = self.saved_at - began
        self.progress.checkpoint_s += self.save_s
        self._tell("on_checkpoint", checkpoint=folder)
