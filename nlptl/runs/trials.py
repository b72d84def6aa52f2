"""Trials: trainings on most of the training rows, judged on the rest; the finished ones are stored.

A trial reads neither validation nor test rows. It depends on the seed alone, so a search that was stopped goes on with
the trials that it has, and the same search runs on any number of processes.
"""

import dataclasses
import json
import math
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from nlptl import data, evaluation
from nlptl.core import files
from nlptl.core.errors import InputError, TrainingError
from nlptl.core.recipe import Recipe
from nlptl.core.records import Corpus, Example, Interval, LabelSpace, Prediction
from nlptl.engine.device import Compute
from nlptl.engine.interrupt import Interrupted
from nlptl.report import console
from nlptl.runs import inputs, settings
from nlptl.runs.answers import answered, decode, tune
from nlptl.runs.fitting import fit
from nlptl.runs.folder import SEARCH
from nlptl.runs.preparing import Prepared, adapted

FORMAT = 2
"""Format 1 held out other rows."""
ADVICE = "delete the run's folder and begin anew"
MOST_PARTS = 5
"""Into so many parts the training rows are divided; a trial is judged on one of them, and trained on the others."""
JUDGED = "held_out"
"""Their split; it is not called validation, which training would evaluate on as well."""
NEVER = 1_000_000  # updates between evaluations
N_BOOTSTRAP = 500
SIGMAS = 3.92  # standard errors in the width of a 95 % interval


@dataclass(frozen=True)
class Trial:
    """A finished trial."""

    name: str
    """What was tried: "full", "lr 0.0003"."""
    part: int
    """Which rows were held out."""
    updates: int
    """0 if the method solved for the head."""
    value: float
    """The primary metric on the rows held out; NaN if training diverged."""
    seconds: float
    examples_per_s: float
    answers: tuple[tuple[int, object, dict[str, float]], ...]
    """What was predicted for these rows: row id, prediction, scores."""

    def predictions(self) -> list[Prediction]:
        """Returns the predictions for the rows held out."""
        return [Prediction(*answer) for answer in self.answers]


class Trials:
    """Runs trials of one search.

    Args:
        recipe: the run's.
        corpus: its data; only the training rows are used.
        labels: of all training rows.
        folder: of the run; the main process keeps search.json in it.
        compute: processes, device and number format.
    """

    def __init__(self, recipe: Recipe, corpus: Corpus, labels: LabelSpace, folder: Path, compute: Compute) -> None:
        self.recipe, self.labels, self.compute = recipe, labels, compute
        self.rows = corpus.splits["train"]
        self.corpus, self._folder, self._checkpoints = corpus, folder, folder / "checkpoints" / "trial"
        self.metric = recipe.eval.metric or recipe.task.metric
        self._sign = 1 if evaluation.greater_is_better(self.metric) else -1
        stored = compute.from_main(lambda: json.dumps(self._read()))
        self.done = [Trial(**{**values, "answers": tuple(values["answers"])}) for values in json.loads(stored)]

    def run(self, name: str, recipe: Recipe, part: int = 0, updates: int | None = None) -> Trial:
        """Returns a trial, stored or run now.

        Args:
            name: what is tried.
            recipe: the run's, with what is tried.
            part: which rows are held out.
            updates: number of updates; None for as many as the run would make.

        Raises:
            InputError: the recipe cannot be used.
        """
        found = next((t for t in self.done if (t.name, t.part) == (name, part) and updates in (None, t.updates)), None)
        return found or self._new(name, recipe, part, updates)

    @property
    def n_parts(self) -> int:
        """Number of parts; fewer than `MOST_PARTS` if there are few rows."""
        return len(self._parts)

    def loss(self, trial: Trial) -> float:
        """Returns how far a trial is from the best value, for sorting: smaller is better."""
        return math.inf if math.isnan(trial.value) else -self._sign * trial.value

    def gain(self, trial: Trial, other: Trial) -> Interval:
        """Returns how much better a trial is than another on the same rows, with its 95 % interval."""
        if math.isnan(trial.value) or math.isnan(other.value):
            return Interval(*[math.inf if math.isnan(other.value) else -math.inf] * 3)
        references = [e.label for e in self._divided(trial.part).splits[JUDGED]]
        found = evaluation.paired_difference(
            self.recipe.task.output,
            references,
            trial.predictions(),
            other.predictions(),
            self.labels,
            self.metric,
            n_bootstrap=N_BOOTSTRAP,
            seed=self.recipe.train.seed,
        )
        return found if self._sign > 0 else Interval(-found.value, -found.high, -found.low)

    def mean_gain(self, trials: Sequence[Trial], others: Sequence[Trial]) -> Interval:
        """Returns how much better trials are than others on the parts that both have, with its 95 % interval."""
        by_part = {trial.part: trial for trial in others}
        gains = [self.gain(trial, by_part[trial.part]) for trial in trials if trial.part in by_part]
        value = sum(gain.value for gain in gains) / len(gains)
        if math.isinf(value):
            return Interval(value, value, value)
        half = math.sqrt(sum((gain.high - gain.low) ** 2 for gain in gains)) / len(gains) / 2
        return Interval(value, value - half, value + half)

    def is_better(self, trials: Sequence[Trial], others: Sequence[Trial], most: float = math.inf) -> bool:
        """Returns whether trials are better than others by more than a standard error.

        Args:
            trials: some.
            others: with at least one part in common.
            most: a larger difference counts, whatever the standard error.
        """
        gain = self.mean_gain(trials, others)
        error = 0.0 if math.isinf(gain.value) else (gain.high - gain.low) / SIGMAS
        return gain.value > min(error, most)

    def _new(self, name: str, recipe: Recipe, part: int, updates: int | None) -> Trial:
        began = time.perf_counter()
        quick = dataclasses.replace(recipe.train, keep="last", evaluate_every=NEVER, early_stopping=None, seeds=1)
        if updates and quick.warmup is None:
            quick = dataclasses.replace(quick, warmup=settings.warmup(quick, updates))
        recipe = dataclasses.replace(recipe, train=quick)
        prepared = adapted(recipe, self._divided(part), self.labels, self.compute)
        found: list[Prediction] = []
        value, n_done, rate = math.nan, updates or 0, 0.0
        try:
            self.compute.from_main(self._clear)  # of a trial that was stopped
            trained = fit(prepared, self._checkpoints, n_updates=updates)
            if trained.interrupted:
                raise Interrupted.named(str(trained.stopped_by))
            n_done = 0 if trained.head is not None else trained.update
            rate = trained.n_examples / max(trained.train_s, 1e-9)
            found, value = self._judged(prepared)
        except TrainingError:
            pass  # it diverged: nothing is worse
        # What is decided by time must be the same in every process.
        clock = self.compute.from_main(lambda: json.dumps([time.perf_counter() - began, rate]))
        seconds, examples_per_s = json.loads(clock)
        answers = tuple((p.row_id, p.prediction, p.scores) for p in found)
        trial = Trial(name, part, n_done, value, seconds, examples_per_s, answers)
        self.done.append(trial)
        self.compute.from_main(self._clear)
        self.compute.from_main(self._write)
        if self.compute.is_main:
            console.trial(trial.name, part, self.metric, value, n_done, trial.seconds)
        return trial

    def _judged(self, prepared: Prepared) -> tuple[list[Prediction], float]:
        answers = answered(prepared, JUDGED, self.compute)
        tune(prepared, answers, JUDGED)
        found = decode(prepared, JUDGED, answers)
        references = [e.label for e in prepared.corpus.splits[JUDGED]]
        values = evaluation.values(prepared.pretrained.output, references, found, self.labels, [self.metric])
        return found, values[self.metric]

    def _divided(self, part: int) -> Corpus:
        kept, held_out = self._parts[part]
        return dataclasses.replace(self.corpus, splits={"train": kept, JUDGED: held_out})

    @cached_property
    def _parts(self) -> list[tuple[list[Example], list[Example]]]:
        return data.folds(self.rows, self.recipe.task.output, MOST_PARTS, self.recipe.train.seed)

    def _clear(self) -> None:
        shutil.rmtree(self._checkpoints, ignore_errors=True)

    def _write(self) -> None:
        trials = [dataclasses.asdict(trial) for trial in self.done]
        values = {"format": FORMAT, **self._data(), "recipe": self._settings(), "trials": trials}
        files.write_json(self._folder / SEARCH, values)

    def _data(self) -> dict[str, str]:
        return {"data.train": data.fingerprint(self.rows)}

    def _settings(self) -> dict[str, object]:
        return inputs.settings(inputs.storable(self.recipe.to_dict()))

    def _read(self) -> list[dict[str, object]]:
        path = self._folder / SEARCH
        if not path.exists():
            return []
        values = files.read_object(path, ADVICE)
        files.check_format(path, values.get("format"), FORMAT)
        trials, recipe = values.get("trials"), values.get("recipe")
        if not isinstance(trials, list) or not isinstance(recipe, dict):
            raise files.damaged(path, f"its trials are {trials!r:.60}", ADVICE)
        changed = inputs.changes(values, self._data(), self._settings(), {})
        if changed:
            raise InputError(f"{self._folder} cannot be resumed: changed since it began: {', '.join(changed)}")
        if values.get("format") != FORMAT:
            return []
        return [{**trial, "value": math.nan if trial["value"] is None else trial["value"]} for trial in trials]
