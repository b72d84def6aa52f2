"""Joins the rooms into a run: data, model, method, engine, evaluation, and the run's folder."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from nlptl.core.callbacks import Callback, named
from nlptl.core.errors import InputError
from nlptl.core.finite import to_json
from nlptl.core.recipe import Recipe
from nlptl.core.records import Corpus, LabelSpace
from nlptl.core.result import Result
from nlptl.engine import checkpoint, device, trackers
from nlptl.engine.device import Compute
from nlptl.engine.interrupt import resumable
from nlptl.engine.memory import Peak
from nlptl.report import console
from nlptl.runs import decided, inputs, search, seeds, showing, start
from nlptl.runs.delivery import deliver, training_facts
from nlptl.runs.fitting import fit
from nlptl.runs.folder import Folder
from nlptl.runs.preparing import Prepared, prepare, read
from nlptl.runs.recording import recording
from nlptl.runs.run import Run


def train(recipe: Recipe, output: str | Path | None = None, callbacks: Sequence[Callback] = ()) -> Run:
    """Runs a recipe; see `Recipe.run`."""
    compute = device.start(recipe.train.precision)
    with Peak(compute.device) as peak:
        recipe = start.resolved(recipe, compute)
        folder = Folder(Path(compute.from_main(lambda: str(Folder.free(output, recipe).path))))
        own = _own_callbacks(recipe)
        if search.wanted(recipe):
            corpus = read(recipe)
            with _held(folder, compute):
                compute.from_main(lambda: folder.begin_search(recipe))
                return _searched(recipe, corpus, folder, compute, peak, [*own, *callbacks])
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
        if search.wanted(recipe):
            return _searched(recipe, read(recipe), folder, compute, peak, [*own, *callbacks])
        prepared = prepare(recipe, compute)
        compute.from_main(lambda: folder.check_unchanged(prepared))
        newest = _newest(folder, compute) if recipe.train.seeds == 1 else None
        return _train(prepared, folder, peak, newest, callbacks=[*own, *callbacks])


def _searched(
    recipe: Recipe,
    corpus: tuple[Corpus, LabelSpace],
    folder: Folder,
    compute: Compute,
    peak: Peak,
    callbacks: Sequence[Callback],
) -> Run:
    """Makes the trials that are missing, then trains with what they found."""
    with resumable(folder.path):
        try:
            recipe, reasons = search.settled(recipe, *corpus, folder.path, compute)
        except InputError:
            compute.from_main(folder.drop_search)
            raise
    prepared = prepare(recipe, compute, corpus)
    prepared = dataclasses.replace(prepared, reasons={**prepared.reasons, **reasons})
    if compute.is_main:
        console.settings(prepared.recipe, reasons)
    compute.from_main(lambda: folder.begin(prepared, searched=True))
    return _train(prepared, folder, peak, callbacks=callbacks)


def _own_callbacks(recipe: Recipe) -> list[Callback]:
    """Returns the callbacks that the recipe names; refuses trackers that would fail when training begins."""
    trackers.check(recipe.train.trackers or ())
    return [named(name) for name in recipe.train.callbacks or ()]


def _tracked(prepared: Prepared, folder: Folder) -> list[Callback]:
    train = prepared.recipe.train
    if not train.trackers or not prepared.compute.is_main:
        return []
    stored = inputs.settings(inputs.storable(prepared.recipe.to_dict()))
    plain = {name: v if isinstance(v, bool | int | float) else str(v) for name, v in stored.items()}
    return [trackers.Tracked(train.trackers, folder.path, plain, train.log_every)]


@contextmanager
def _held(folder: Folder, compute: Compute) -> Iterator[None]:
    """Locks the folder against other runs, in the main process, until this run ends in any way."""
    with ExitStack() as stack:
        compute.from_main(lambda: stack.enter_context(folder.held()))
        yield


def _train(
    prepared: Prepared, folder: Folder, peak: Peak, newest: Path | None = None, *, callbacks: Sequence[Callback]
) -> Run:
    is_main = prepared.compute.is_main
    with resumable(folder.path), recording(folder, prepared, peak) as record:
        callbacks = [*callbacks, *_tracked(prepared, folder)]
        if prepared.recipe.train.seeds > 1:
            prepared, trained = seeds.fit_all(prepared, folder, callbacks)
        else:
            trained = fit(prepared, folder.checkpoints, folder.log, newest, callbacks)
        if trained.finished and not trained.interrupted:
            record.result = deliver(prepared, folder, trained)
        else:
            record.result = training_facts(prepared, trained)
    if is_main and record.result.status == "succeeded":
        seeds.clear(folder.checkpoints)
        checkpoint.clear(folder.checkpoints)  # not before result.json says that they are no longer needed
        showing.card(folder)
    result = Result.from_dict(json.loads(prepared.compute.from_main(lambda: to_json(folder.result().to_dict()))))
    if is_main:
        console.after(folder.path, result)
        decided.tell(result)
        if result.status == "succeeded":
            showing.report(folder, prepared.corpus)
    return Run(folder.path, result=result)


def _newest(folder: Folder, compute: Compute) -> Path | None:
    """Returns the newest undamaged checkpoint, None if there is none, and drops the lines of the log after it."""

    def find() -> str:
        found = checkpoint.latest(folder.checkpoints, console.warn)
        folder.cut_log(checkpoint.update_of(found) if found else 0)
        return str(found or "")

    name = compute.from_main(find)
    return Path(name) if name else None
