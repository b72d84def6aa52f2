"""The parts of the page that come from result.json, recipe.yaml and audit.json: what was run, and what it is worth."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from nlptl import evaluation
from nlptl.core import kinds
from nlptl.core.recipe import Recipe
from nlptl.core.records import Interval
from nlptl.core.result import Result
from nlptl.evaluation.verdicts import transfer
from nlptl.report.energy import watt_hours
from nlptl.report.page import SPLIT_MATRIX, Confusion, Standing
from nlptl.report.parts import Setting, Verdict
from nlptl.report.rendering import number, signed
from nlptl.runs.folder import RECIPE

MOST_PAIRS, MOST_LABELS = 15, 12
SAYS = {
    "helped": ("Transfer helped: better than every baseline.", "good", "The interval does not include 0."),
    "unclear": (
        "Not shown that transfer helped.",
        "unclear",
        "The interval includes 0: these rows cannot tell the two apart.",
    ),
    "negative": ("Negative transfer: a baseline is better.", "bad", "The interval does not include 0."),
}
"""Headline, tone, and what the interval says, by how the run compares with the best baseline."""


def title(result: Result) -> str:
    """Returns the page's title."""
    return f"{result.task or 'A run'} by {result.method or 'an unknown method'}"


def command(folder: Path) -> str:
    """Returns the command that runs the recipe again."""
    return f"nlptl train --config {shlex.quote(str(folder / RECIPE))}"


def facts(result: Result, recipe: Recipe | None, folder: Path) -> list[tuple[str, str]]:
    """Returns what was run, as names and values.

    Args:
        result: of the run.
        recipe: None if it cannot be read.
        folder: of the run, as it is shown.
    """
    found = [("Folder", str(folder))]
    if recipe is not None:
        given = recipe.data.train
        kind = kinds.of(recipe.task.output)
        found += [
            ("Task", f"{result.task}: {kind.answer}"),
            ("Data", "the task's sample" if given is None else str(given)),
        ]
    found.append(("Rows", ", ".join(f"{split} {n:,}" for split, n in result.rows.items()) or "unknown"))
    if recipe is not None and kind.names is not None and result.labels:
        more = f", ... ({len(result.labels):,} in all)" if len(result.labels) > MOST_LABELS else ""
        found.append(("Labels", ", ".join(result.labels[:MOST_LABELS]) + more))
    if result.model:
        licence = f", licence {result.model.licence}" if result.model.licence else ""
        found.append(("Model", result.model.name + licence))
    if result.parameters:
        trained, total = result.parameters.trainable, result.parameters.total
        found.append(("Method", f"{result.method}, {trained:,} of {total:,} parameters trained"))
    return [*found, ("Seed", str(result.seed))]


def verdict(result: Result, folder: Path) -> Verdict:
    """Returns what the run is worth, in words: the gain over the best baseline first."""
    if result.status != "succeeded" or result.primary is None:
        why = [result.error] if result.error else []
        return Verdict("bad", f"This run is not finished: {result.status}.", why, (), _resume(folder))
    name, split = result.primary.name, result.primary.split
    own = result.metrics[split][name]
    measured = f"On {split}, {name} is {number(own.value)} (95 % interval {_ends(own)})."
    told = [f.message for f in result.verdict.findings if f.kind != "below_baseline"]
    baselines = result.baselines.get(split, {})
    if not baselines:
        advice, better = result.verdict.advice, result.verdict.better
        return Verdict("none", "No baseline to compare with.", [measured, *told], advice, better)
    found = transfer(name, {other: baseline.gain for other, baseline in baselines.items()})
    headline, tone, sure = SAYS[found.outcome]
    best = baselines[found.baseline].value
    gained = (
        f"That is {_by(found.better_by)} the best baseline, {found.baseline} ({number(best.value)}). The difference on "
        f"the same rows is {signed(found.gain.value)} (95 % interval {_ends(found.gain, signed)}). {sure}"
    )
    sentences = [measured, gained, *told]
    return Verdict(tone, headline, sentences, result.verdict.advice, result.verdict.better)  # type: ignore[arg-type]


def standings(result: Result) -> list[Standing]:
    """Returns the run and its baselines by the primary metric, the run first, then the best baseline."""
    if result.primary is None:
        return []
    name, split = result.primary.name, result.primary.split
    sign = 1 if evaluation.greater_is_better(name) else -1
    others = sorted(result.baselines.get(split, {}).items(), key=lambda item: -sign * item[1].value.value)
    own = Standing(result.method, result.metrics[split][name])
    return [own, *(Standing(other, baseline.value, baseline.gain) for other, baseline in others)]


def confusion(result: Result, split: str) -> Confusion | None:
    """Returns labels against predictions; None for answers that have no confusion matrix."""
    counts = np.array(result.confusion.get(split) or [], np.int64)
    names = result.labels or tuple(result.per_class.get(split, {}))
    if counts.shape != (len(names), len(names)) or not len(names):
        return None
    wrong = counts * (1 - np.eye(len(names), dtype=np.int64))
    most = np.argsort(-wrong, axis=None, kind="stable")[:MOST_PAIRS]
    places = [divmod(int(i), len(names)) for i in most if wrong.flat[i]]
    pairs = [(names[i], names[j], int(counts[i, j]), float(counts[i, j] / counts[i].sum())) for i, j in places]
    return Confusion(names, counts.tolist() if len(names) <= SPLIT_MATRIX else [], pairs)


def per_class(result: Result, split: str) -> Mapping[str, Mapping[str, float]]:
    """Returns the table by class, the lowest F1 first; classes without a row come last."""
    rows = result.per_class.get(split, {}).items()
    return dict(sorted(rows, key=lambda item: (not item[1]["support"], item[1]["f1"])))


def cost(result: Result) -> list[tuple[str, str, str]]:
    """Returns time, memory, size and energy: name, value and a note."""
    timing, memory, found = result.timing, result.memory, []
    if timing.total_s is not None:
        found.append(("whole run", duration(timing.total_s), "without starting Python and reading the data"))
    if timing.train_s is not None:
        rate = f"{timing.examples_per_s:,.0f} examples a second" if timing.examples_per_s else ""
        found.append(("training", duration(timing.train_s), rate))
    if memory.peak_mib is not None:
        found.append(("peak memory", f"{memory.peak_mib:,.0f} MiB", "of the main process"))
    if memory.gpu_peak_mib is not None:
        found.append(("peak memory of the GPU", f"{memory.gpu_peak_mib:,.0f} MiB", ""))
    if result.artifact_bytes:
        found.append(("artifact", f"{result.artifact_bytes / 2**20:,.1f} MiB", "the folder model/"))
    if result.machine and timing.total_s and memory.peak_mib:
        energy, assumed = watt_hours(result.machine, timing.total_s, memory.peak_mib)
        found.append(("energy", f"about {energy:.2g} Wh", assumed))
    elif timing.total_s:
        found.append(("energy", "unknown", "this older run did not note what it computed on"))
    return found


def settings(recipe: Recipe, reasons: Mapping[str, str]) -> tuple[list[Setting], list[Setting]]:
    """Returns the settings that followed from model and data, with their reasons, and all settings.

    Args:
        recipe: of the run.
        reasons: by name, as recipe.yaml has them.
    """
    plain = recipe.to_dict()
    every = [Setting(f"{part}.{name}", _shown(value)) for part, own in plain.items() for name, value in own.items()]
    named = {one.name: one.value for one in every} | {part: str(own.get("name")) for part, own in plain.items()}
    return [Setting(name, named.get(name, ""), why) for name, why in reasons.items()], every


def versions(result: Result) -> Sequence[tuple[str, str]]:
    """Returns the versions of the packages, nlptl first."""
    known = [(name, version) for name, version in result.versions.items() if version]
    return sorted(known, key=lambda item: item[0] != "nlptl")


def duration(seconds: float) -> str:
    """Returns a time in the units that a reader uses: 12.3 s, 3 min 20 s, 1 h 2 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _by(better: float) -> str:
    if not better:
        return "as good as"
    return f"{number(abs(better))} {'better' if better > 0 else 'worse'} than"


def _ends(interval: Interval, show: Callable[[float], str] = number) -> str:
    return f"{show(interval.low)} to {show(interval.high)}"


def _resume(folder: Path) -> str:
    return f"nlptl train --resume {shlex.quote(str(folder))}"


def _shown(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "not set"}[value]
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
