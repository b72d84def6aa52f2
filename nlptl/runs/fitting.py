"""Training: the loop over updates, or a method that solves for the head."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from nlptl import evaluation
from nlptl.core.callbacks import Callback, Facts
from nlptl.core.checks import known
from nlptl.core.phases import Phase, PhaseDone
from nlptl.core.protocols import Phased, Solving
from nlptl.core.result import SeedDone
from nlptl.engine import loop
from nlptl.engine.checkpoint import Progress
from nlptl.engine.job import Among, Job
from nlptl.report import console
from nlptl.runs.answers import answered, decode, tune, values
from nlptl.runs.log import Log
from nlptl.runs.preparing import Prepared, solving
from nlptl.tasks.kinds import divergences

Note = Callable[[dict[str, object]], None]
ALONE = Among()


@dataclass(frozen=True)
class Trained:
    """The outcome of training."""

    finished: bool
    update: int
    train_s: float
    n_examples: int
    checkpoint_s: float = 0.0
    best_update: int | None = None
    n_skipped: int = 0
    """Updates left out because their loss or gradient was not finite."""
    interrupted: bool = False
    """Whether a signal stopped it."""
    stopped_by: str | None = None
    """The signal that stopped it, or the callback that ended it."""
    phases: Sequence[PhaseDone] = ()
    """What each phase trained, and for how long; none if a method solved for the head."""
    head: dict[str, object] | None = None
    """What a method that solves for the head chose."""
    seeds: tuple[SeedDone, ...] = ()
    """With train.seeds, each seed's training."""

    @staticmethod
    def of(progress: Progress) -> Trained:
        """Returns what the loop reached."""
        own = {f.name for f in dataclasses.fields(Trained)} - {"head", "seeds"}
        return Trained(**{name: getattr(progress, name) for name in own})


def fit(
    prepared: Prepared,
    checkpoints: Path,
    note: Note | None = None,
    newest: Path | None = None,
    callbacks: Sequence[Callback] = (),
    n_updates: int | None = None,
    among: Among = ALONE,
) -> Trained:
    """Trains the model.

    Args:
        prepared: data, model and settings.
        checkpoints: folder for them.
        note: writes a line of metrics.jsonl; None: nothing is written or shown.
        newest: the checkpoint to resume from; None to begin.
        callbacks: are told how training goes on.
        n_updates: number of updates; None for train.epochs.
        among: the other trainings of the run.

    Raises:
        TrainingError: training had to stop.
    """
    note = note if prepared.compute.is_main else None
    method = solving(prepared.recipe, prepared.pretrained)
    if method:
        return _fit_head(prepared, method, note, callbacks)
    with console.progress(_plan(prepared), shown=note is not None) as shown:
        own = [Log(note, prepared.recipe.train.log_every)] if note else []
        job = _job(prepared, checkpoints, [*own, *shown, *callbacks])
        progress = loop.train(dataclasses.replace(job, n_updates=n_updates, among=among), prepared.compute, newest)
    return Trained.of(progress)


def _job(prepared: Prepared, checkpoints: Path, callbacks: Sequence[Callback]) -> Job:
    recipe, pretrained, features = prepared.recipe, prepared.pretrained, prepared.features
    likelihood = pretrained.module.is_likelihood
    return Job(
        model=pretrained.module,
        features=features["train"],
        prefixes=prepared.prefixes,
        weights=recipe.task.weights(features["train"], prepared.labels, recipe.train.class_weights),
        draw=_draw(prepared),
        losses=partial(recipe.task.losses, smoothing=recipe.train.label_smoothing, likelihood=likelihood),
        evaluate=partial(validate, prepared),
        metric=str(recipe.eval.metric),
        greater_is_better=evaluation.greater_is_better(str(recipe.eval.metric)),
        config=recipe.train,
        lr=float(recipe.train.lr or 0),
        row_ids=[example.row_id for example in prepared.corpus.splits["train"]],
        folder=checkpoints,
        phases=_phases(prepared),
        callbacks=callbacks,
        divergences=divergences(pretrained.output) if recipe.train.r_drop else None,
    )


def _phases(prepared: Prepared) -> Sequence[Phase]:
    method, epochs = prepared.recipe.method, known("train.epochs", prepared.recipe.train.epochs)
    return method.phases(prepared.pretrained, epochs) if isinstance(method, Phased) else (Phase(),)


def _fit_head(prepared: Prepared, method: Solving, note: Note | None, callbacks: Sequence[Callback]) -> Trained:
    """Solves for the head; for callbacks that is one update."""
    began = time.perf_counter()
    n_trained = sum(p.numel() for p in prepared.pretrained.module.parameters() if p.requires_grad)
    before = Facts(0, 1, 0.0, 0, 0, n_trained)
    for callback in callbacks:
        callback.on_begin(before)
    recipe, train = prepared.recipe, prepared.features["train"]
    vectors = prepared.prefixes.of(train, prepared.compute).vectors.float().numpy()
    weights = recipe.task.weights(train, prepared.labels, recipe.train.class_weights)
    chosen = method.fit_head(prepared.pretrained, vectors, train, weights, recipe.train.seed)
    validation = validate(prepared)  # in every process: each answers its share
    if note:
        note({"update": 1, **chosen, "validation": validation})
    after = dataclasses.replace(before, update=1, epoch=1.0, n_examples=len(train), metrics=validation)
    for callback in callbacks:
        callback.on_update(after)
        if validation:
            callback.on_evaluate(after)
        callback.on_end(after)
    return Trained(True, 1, time.perf_counter() - began, len(train), head=chosen)


def _draw(prepared: Prepared) -> np.ndarray | None:
    """Returns the weights by which examples are drawn, float64 (examples,); None if an epoch has each once."""
    if prepared.recipe.train.sampling == "shuffled":
        return None
    features = prepared.features["train"]
    weights = prepared.recipe.task.weights(features, prepared.labels, "balanced")
    return np.bincount(features.example, weights, minlength=len(features.full_lengths))


def validate(prepared: Prepared) -> dict[str, float]:
    """Returns the metrics on validation; none if there are no such rows, or an answer is not finite."""
    if "validation" not in prepared.features:
        return {}
    answers = answered(prepared, "validation", prepared.compute)
    if not np.isfinite(answers).all():
        return {}  # weights that went astray are no candidate for the best state; the loop counts the lost updates
    tune(prepared, answers)
    predictions = decode(prepared, "validation", answers)
    return values(prepared, "validation", predictions)


def _plan(prepared: Prepared) -> console.Plan:
    recipe, n_rows = prepared.recipe, len(prepared.corpus.splits["train"])
    epochs, batch_size = known("train.epochs", recipe.train.epochs), known("train.batch_size", recipe.train.batch_size)
    n = recipe.train.seeds
    return console.Plan(n * epochs * -(-n_rows // batch_size), n * epochs, str(recipe.eval.metric))
