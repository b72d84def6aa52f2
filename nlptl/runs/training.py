"""Joins the rooms into a run: data, model, method, engine, evaluation, and the run's folder."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import torch

from nlptl import data, evaluation
from nlptl.core.callbacks import Callback, Facts, named
from nlptl.core.errors import InputError
from nlptl.core.finite import to_json
from nlptl.core.phases import Phase
from nlptl.core.protocols import Phased, Solving
from nlptl.core.recipe import Recipe
from nlptl.core.records import SPLITS, Features, Pretrained
from nlptl.core.result import Result
from nlptl.engine import checkpoint, device, graphs, loop, r_drop, trackers
from nlptl.engine.device import Compute
from nlptl.engine.interrupt import resumable
from nlptl.engine.job import Job
from nlptl.engine.memory import Peak
from nlptl.engine.prefix import Prefixes
from nlptl.models.loading import Wanted
from nlptl.models.loading import load as load_model
from nlptl.report import console
from nlptl.runs import inputs
from nlptl.runs.delivery import Prepared, Trained, answered, decode, deliver, training_facts, tune, values
from nlptl.runs.folder import Folder
from nlptl.runs.inputs import IN_MEMORY
from nlptl.runs.log import Log
from nlptl.runs.recording import recording
from nlptl.runs.run import Run
from nlptl.tasks.kinds import divergences


def train(recipe: Recipe, output: str | Path | None = None, callbacks: Sequence[Callback] = ()) -> Run:
    """Runs a recipe; see `Recipe.run`."""
    compute = device.start(recipe.train.precision)
    with Peak(compute.device) as peak:
        folder = Folder(Path(compute.from_main(lambda: str(Folder.free(output, recipe).path))))
        own = _own_callbacks(recipe)
        prepared = prepare(recipe, compute)
        with _held(folder, compute):
            compute.from_main(lambda: folder.begin(prepared))
            return _train(prepared, folder, peak, callbacks=[*own, *callbacks])


def resume(path: str | Path, callbacks: Sequence[Callback] = ()) -> Run:
    """Goes on with a run that was stopped, from its newest checkpoint.

    Only the main process reads and writes the run's folder, so that machines need not share a disk. Each machine must
    have the data, and the pretrained model, in the same place.

    Raises:
        InputError: there is no such run, it is finished, or its data or model have changed.
    """
    folder = Folder(Path(path))
    compute = device.start("fp32")
    recipe = Recipe.from_dict(json.loads(compute.from_main(lambda: json.dumps(folder.recipe().to_dict()))))
    compute = compute.at(recipe.train.precision)
    with Peak(compute.device) as peak, _held(folder, compute):
        compute.from_main(folder.refuse_finished)
        own = _own_callbacks(recipe)
        prepared = prepare(recipe, compute)
        compute.from_main(lambda: folder.check_unchanged(prepared))
        return _train(prepared, folder, peak, _newest(folder, compute), callbacks=[*own, *callbacks])


def _own_callbacks(recipe: Recipe) -> list[Callback]:
    """Returns the callbacks that the recipe names; refuses trackers that would fail when training begins."""
    trackers.check(recipe.train.trackers or ())
    return [named(name) for name in recipe.train.callbacks or ()]


def _tracked(prepared: Prepared, folder: Folder) -> list[Callback]:
    train = prepared.recipe.train
    if not train.trackers or not prepared.compute.is_main:
        return []
    settings = inputs.settings(inputs.storable(prepared.recipe.to_dict()))
    plain = {name: v if isinstance(v, bool | int | float) else str(v) for name, v in settings.items()}
    return [trackers.Tracked(train.trackers, folder.path, plain, train.log_every)]


@contextmanager
def _held(folder: Folder, compute: Compute) -> Iterator[None]:
    """Keeps every other run out of the folder, from the main process; however this one ends, the hold ends with it."""
    with ExitStack() as stack:
        compute.from_main(lambda: stack.enter_context(folder.held()))
        yield


def prepare(recipe: Recipe, compute: Compute) -> Prepared:
    """Returns the data, audited, and the model, adapted: all that can fail on what the user gave.

    Raises:
        InputError: something given cannot be used.
    """
    _refuse_lost_rows(recipe)
    task, method = recipe.task, recipe.method
    seed = recipe.train.seed
    corpus = data.load(recipe.data, task.columns, sample=task.sample, seed=seed)
    labels = task.label_space(corpus.splits["train"], corpus.label_names)
    wanted = Wanted(task.output, labels, method.default_pooling, task.max_length)
    pretrained = load_model(recipe.model, wanted, seed=seed)
    recipe = _resolved(recipe, pretrained)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # new parameters are drawn from the global random state
        method.prepare(pretrained)
    if recipe.train.gradient_checkpointing:
        pretrained.module.recompute()
    pretrained.module.to(compute.device)
    features = {split: task.encode(rows, pretrained) for split, rows in corpus.splits.items()}
    lengths = {split: f.full_lengths.tolist() for split, f in features.items()}
    findings = data.audit(corpus, lengths, int(pretrained.config.max_length or 0), labels, output=task.output)
    findings += task.findings(features, corpus, pretrained)
    _refuse_unusable(recipe, pretrained, features, compute)
    if compute.is_main:
        console.before(recipe, corpus, labels, pretrained, findings)
    if recipe.data.audit == "strict":
        data.strict_error(findings)
    prefixes = Prefixes(pretrained.module, recipe.train)
    return Prepared(recipe, corpus, labels, pretrained, features, findings, compute, prefixes)


def _refuse_lost_rows(recipe: Recipe) -> None:
    for split in SPLITS:
        source = getattr(recipe.data, split)
        if isinstance(source, str) and source.startswith(IN_MEMORY):
            kind = source.removeprefix(IN_MEMORY)
            raise InputError(
                f"the run's {split} data was a {kind} in memory: give it again, with --data.{split} as a file"
            )


def _refuse_unusable(recipe: Recipe, pretrained: Pretrained, features: dict[str, Features], compute: Compute) -> None:
    """Raises an InputError for settings that would be ignored or fail later, and for splits too small to share."""
    train = recipe.train
    graphs.wanted(train, pretrained.module, compute)
    if "balanced" in (train.class_weights, train.sampling):
        recipe.task.weights(features["train"], pretrained.labels, "balanced")
    changed = train.sampling != "shuffled" or train.label_smoothing or train.r_drop or train.average != "none"
    if changed and _solving(recipe, pretrained):
        unused = "train.sampling, train.label_smoothing, train.r_drop and train.average"
        raise InputError(f"this method solves for the head: {unused} have no effect")
    r_drop.check(train, pretrained.kind, pretrained.module)
    if not pretrained.kind.smooths and train.label_smoothing:
        raise InputError("numbers have no label to smooth: set train.label_smoothing 0")
    for split, found in features.items():
        if len(found) < compute.n_processes:
            raise InputError(f"{split} has {len(found)} rows for {compute.n_processes} processes: start fewer")


def _resolved(recipe: Recipe, pretrained: Pretrained) -> Recipe:
    metric = recipe.eval.metric or recipe.task.metric
    evaluation.check(pretrained.output, pretrained.labels, metric, recipe.eval.metrics)
    return dataclasses.replace(
        recipe,
        model=pretrained.config,
        train=dataclasses.replace(recipe.train, lr=recipe.train.lr or recipe.method.default_lr),
        eval=dataclasses.replace(recipe.eval, metric=metric),
    )


def _train(
    prepared: Prepared, folder: Folder, peak: Peak, newest: Path | None = None, *, callbacks: Sequence[Callback]
) -> Run:
    recipe, is_main = prepared.recipe, prepared.compute.is_main
    with resumable(folder.path), recording(folder, prepared, peak) as record:
        callbacks = [*callbacks, *_tracked(prepared, folder)]
        method = _solving(recipe, prepared.pretrained)
        trained = (
            _fit_head(prepared, method, folder, callbacks) if method else _fit(prepared, folder, newest, callbacks)
        )
        if trained.finished and not trained.interrupted:
            record.result = deliver(prepared, folder, trained)
        else:
            record.result = training_facts(prepared, trained)
    if is_main and record.result.status == "succeeded":
        checkpoint.clear(folder.checkpoints)  # not before result.json says that they are no longer needed
    result = Result.from_dict(json.loads(prepared.compute.from_main(lambda: to_json(folder.result().to_dict()))))
    if is_main:
        console.after(folder.path, result)
    return Run(folder.path, result=result)


def _fit(prepared: Prepared, folder: Folder, newest: Path | None, callbacks: Sequence[Callback]) -> Trained:
    recipe, pretrained, features = prepared.recipe, prepared.pretrained, prepared.features
    likelihood = pretrained.module.is_likelihood
    own = [Log(folder.log, recipe.train.log_every)] if prepared.compute.is_main else []
    with console.progress(_plan(prepared), shown=prepared.compute.is_main) as shown:
        job = Job(
            model=pretrained.module,
            features=features["train"],
            prefixes=prepared.prefixes,
            weights=recipe.task.weights(features["train"], prepared.labels, recipe.train.class_weights),
            draw=_draw(prepared),
            losses=partial(recipe.task.losses, smoothing=recipe.train.label_smoothing, likelihood=likelihood),
            evaluate=partial(_validate, prepared),
            metric=str(recipe.eval.metric),
            greater_is_better=evaluation.greater_is_better(str(recipe.eval.metric)),
            config=recipe.train,
            lr=float(recipe.train.lr or 0),
            row_ids=[example.row_id for example in prepared.corpus.splits["train"]],
            folder=folder.checkpoints,
            phases=_phases(prepared),
            callbacks=[*own, *shown, *callbacks],
            divergences=divergences(pretrained.output) if recipe.train.r_drop else None,
        )
        progress = loop.train(job, prepared.compute, newest)
    return Trained(**{f.name: getattr(progress, f.name) for f in dataclasses.fields(Trained) if f.name != "head"})


def _phases(prepared: Prepared) -> Sequence[Phase]:
    method = prepared.recipe.method
    return (
        method.phases(prepared.pretrained, prepared.recipe.train.epochs) if isinstance(method, Phased) else (Phase(),)
    )


def _newest(folder: Folder, compute: Compute) -> Path | None:
    """Returns the newest undamaged checkpoint, None if there is none, and drops the lines of the log after it."""

    def find() -> str:
        found = checkpoint.latest(folder.checkpoints, console.warn)
        folder.cut_log(checkpoint.update_of(found) if found else 0)
        return str(found or "")

    name = compute.from_main(find)
    return Path(name) if name else None


def _solving(recipe: Recipe, pretrained: Pretrained) -> Solving | None:
    """Returns the recipe's method if it solves for the head of this kind of answers; else None."""
    method = recipe.method
    return method if isinstance(method, Solving) and pretrained.output in method.solves else None


def _fit_head(prepared: Prepared, method: Solving, folder: Folder, callbacks: Sequence[Callback]) -> Trained:
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
    validation = _validate(prepared)  # in every process: each answers its share
    if prepared.compute.is_main:
        folder.log({"update": 1, **chosen, "validation": validation})
    after = dataclasses.replace(before, update=1, epoch=1.0, n_examples=len(train), metrics=validation)
    for callback in callbacks:
        callback.on_update(after)
        if validation:
            callback.on_evaluate(after)
        callback.on_end(after)
    return Trained(True, 1, time.perf_counter() - began, len(train), head=chosen)


def _draw(prepared: Prepared) -> np.ndarray | None:
    """Returns by what examples are drawn, float64 (examples,); None where all come in turn."""
    if prepared.recipe.train.sampling == "shuffled":
        return None
    features = prepared.features["train"]
    weights = prepared.recipe.task.weights(features, prepared.labels, "balanced")
    return np.bincount(features.example, weights, minlength=len(features.full_lengths))


def _validate(prepared: Prepared) -> dict[str, float]:
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
    per_epoch = -(-n_rows // recipe.train.batch_size)
    return console.Plan(per_epoch * recipe.train.epochs, recipe.train.epochs, str(recipe.eval.metric))
