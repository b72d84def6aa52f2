"""The part of the page that shows a search, from search.json."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from nlptl import evaluation
from nlptl.core import files, spaces
from nlptl.core.errors import InputError
from nlptl.core.protocols import Choosing
from nlptl.core.recipe import Recipe, chosen_from_dict
from nlptl.core.spaces import Space
from nlptl.report import charts
from nlptl.report.charts import Axis
from nlptl.report.parts import Figure
from nlptl.report.rendering import number
from nlptl.report.searching import Search, TrialRow
from nlptl.runs.folder import SEARCH
from nlptl.runs.importance import LEAST_TRIALS, importance, study_of

FORMAT = 1
ADVICE = "restore it"
ROUNDS = ("first round", "second round")
MOST_TICKS = 8
Values = Mapping[str, object]


@dataclass(frozen=True)
class Tried:
    """A trial of search.json."""

    name: str
    """What was tried, without the round."""
    which: str
    """The round; empty if there is none."""
    values: Values
    """By field; empty if the trial is none of the fields' search."""
    part: int
    updates: int
    value: float
    seconds: float


def search(path: Path, recipe: Recipe) -> Search | None:
    """Returns what a run's search tried; None if it has none.

    Args:
        path: of the run's folder.
        recipe: of the run, with what was chosen.

    Raises:
        InputError: search.json is damaged, or a newer nlptl wrote it.
    """
    if not (path / SEARCH).exists():
        return None
    stored = files.read_object(path / SEARCH, ADVICE)
    files.check_format(path / SEARCH, stored.get("format"), FORMAT)
    began, trials = stored.get("recipe"), stored.get("trials")
    if not isinstance(began, Mapping) or not isinstance(trials, list):
        raise files.damaged(path / SEARCH, "it has no recipe or no trials", ADVICE)
    searched = began.get("train.search")
    fields = spaces.parse(str(searched)) if searched else []
    tried = [_tried(trial, fields) for trial in trials]
    headings = [space.name for space in fields] or ["tried"]
    metric = recipe.eval.metric or recipe.task.metric
    names = _chosen_names(began, recipe)
    rows = [_row(one, headings, _is_chosen(one, names, recipe)) for one in tried]
    first = [one for one in tried if one.values and one.which == ROUNDS[0]]
    shares, note = _importance(fields, first, metric) if fields else ([], "")
    return Search(headings, metric, rows, shares, note, _figure(fields, first, metric, recipe) if fields else None)


def _tried(trial: Mapping[str, object], fields: Sequence[Space]) -> Tried:
    name, _, which = str(trial["name"]).rpartition(", ")
    if which not in ROUNDS:
        name, which = str(trial["name"]), ""
    value, own = trial["value"], [cast(float, trial[key]) for key in ("part", "updates", "seconds")]
    measured = math.nan if value is None else float(cast(float, value))
    return Tried(name, which, _values(name, fields), int(own[0]), int(own[1]), measured, float(own[2]))


def _values(name: str, fields: Sequence[Space]) -> dict[str, object]:
    """Returns the values in a trial's name, "train.lr 0.0003, method.rank 8"; empty if it names others."""
    words = [part.partition(" ") for part in name.split(", ")]
    if [word for word, _, _ in words] != [space.name for space in fields]:
        return {}
    return {space.name: _value(text, space) for space, (_, _, text) in zip(fields, words, strict=True)}


def _value(text: str, space: Space) -> object:
    if space.choices:
        return next(choice for choice in space.choices if str(choice) == text)
    return int(text) if space.form == "int" else float(text)


def _row(one: Tried, headings: Sequence[str], is_chosen: bool) -> TrialRow:
    cells = [str(one.values[name]) for name in headings] if one.values else [one.name, *[""] * (len(headings) - 1)]
    return TrialRow(cells, one.which, one.part + 1, one.updates, one.value, one.seconds, is_chosen)


def _chosen_names(began: Mapping[str, object], recipe: Recipe) -> set[str]:
    """Returns the names under which what was chosen was tried, without the fields' search."""
    own = {name.partition(".")[2]: value for name, value in began.items() if name.startswith("method.")}
    before = chosen_from_dict("method", own)
    names = {f"lr {recipe.train.lr:g}"} if began.get("train.lr") == "auto" and recipe.train.lr != "auto" else set()
    if isinstance(before, Choosing):
        names |= {name for name, method in before.candidates().items() if method == recipe.method}
    return names


def _is_chosen(one: Tried, names: set[str], recipe: Recipe) -> bool:
    if not one.values:
        return one.name in names and one.which != ROUNDS[0]
    return one.which == ROUNDS[1] and _has(recipe, one.values)


def _has(recipe: Recipe, values: Values) -> bool:
    plain = recipe.to_dict()
    return all(plain[part].get(field) == value for (part, field), value in _by_place(values))


def _by_place(values: Values) -> list[tuple[tuple[str, str], object]]:
    return [((name.partition(".")[0], name.partition(".")[2]), value) for name, value in values.items()]


def _importance(fields: Sequence[Space], first: Sequence[Tried], metric: str) -> tuple[list[tuple[str, float]], str]:
    """Returns each field's share of the variance, the largest first, and why it is not known."""
    done = [one for one in first if math.isfinite(one.value)]
    if len(done) < LEAST_TRIALS:
        return [], f"How much each field mattered needs {LEAST_TRIALS} trials, there are {len(done)}."
    if len({one.value for one in done}) < 2:
        return [], "How much each field mattered is not known: all trials reached the same."
    try:
        sign = -1 if evaluation.greater_is_better(metric) else 1
        found = importance(study_of(fields, [(one.values, sign * one.value) for one in done]))
    except InputError as error:
        return [], f"How much each field mattered is not known: {error}."
    return sorted(found.items(), key=lambda item: -item[1]), ""


def _figure(fields: Sequence[Space], first: Sequence[Tried], metric: str, recipe: Recipe) -> Figure | None:
    some = [one for one in first if math.isfinite(one.value)]
    if len(some) < 2:
        return None
    drawn = [_axis(space, [one.values[space.name] for one in some]) for space in fields]
    drawn.append(_of_metric(metric, [one.value for one in some]))
    svg, width = charts.parallel(drawn, [_has(recipe, one.values) for one in some])
    note = (
        f"A line is a trial of the first round; the darker, the better its {metric}, on the right, the best above. The "
        "thick one is the setting that was chosen."
    )
    return Figure(svg, "Settings and what they reached", note, width)


def _axis(space: Space, values: Sequence[object]) -> Axis:
    if space.choices:
        last = max(1, len(space.choices) - 1)
        places = [space.choices.index(value) / last for value in values]
        step = -(-len(space.choices) // MOST_TICKS)
        return Axis(space.name, places, [(i / last, str(c)) for i, c in enumerate(space.choices) if i % step == 0])
    low, high = (math.log(end) if space.form == "log" else end for end in (space.low, space.high))
    own = [math.log(cast(float, v)) if space.form == "log" else cast(float, v) for v in values]
    middle = math.exp((low + high) / 2) if space.form == "log" else (low + high) / 2
    ticks = [(0.0, f"{space.low:.3g}"), (0.5, f"{middle:.2g}"), (1.0, f"{space.high:.3g}")]
    return Axis(space.name, [min(1.0, max(0.0, (v - low) / (high - low))) for v in own], ticks)


def _of_metric(metric: str, values: Sequence[float]) -> Axis:
    """Returns the axis of the metric, the best above."""
    worst, best = min(values), max(values)
    if not evaluation.greater_is_better(metric):
        worst, best = best, worst
    width = best - worst or 1.0
    ticks = [(0.0, number(worst)), (1.0, number(best))] if best != worst else [(0.0, number(worst))]
    return Axis(metric, [(value - worst) / width for value in values], ticks)
