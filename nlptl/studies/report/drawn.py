"""The figures of a study: scores by number of labels, and by cost."""

import math
from collections.abc import Mapping, Sequence

from nlptl.core.study import COSTS, Group, StudyRecord
from nlptl.report import charts
from nlptl.report.charts import Curve, Point
from nlptl.report.parts import Figure
from nlptl.studies import planned

MIB = 2**20
NAMES = {
    "trained": ("trained parameters", "Trained parameters"),
    "train_s": ("training time in s", "Training time"),
    "peak_mib": ("peak memory in MiB", "Peak memory"),
    "artifact_bytes": ("artifact in MiB", "Size of the artifact"),
}
"""Name of the axis and of the figure, by cost."""
Series = Mapping[tuple[str, str], int]
"""Place of each method and model: its colour and marker."""


def series(record: StudyRecord) -> Series:
    """Returns the methods and models in the study's order, each with its place."""
    own = dict.fromkeys((group.method, group.model) for group in record.groups)
    every = [*own, *((curve.method, curve.model) for curve in record.growth)]
    return {pair: place for place, pair in enumerate(dict.fromkeys(every))}


def curves(record: StudyRecord, places: Series) -> list[Figure]:
    """Returns the scores by number of labels, at most `charts.MOST_CURVES` in a figure; none for a single number.

    Args:
        record: the study.
        places: see `series`.
    """
    laws = {(one.method, one.model): one for one in record.growth}
    found = []
    for own, place in places.items():
        groups = [g for g in record.groups if (g.method, g.model) == own and g.label_count and g.score]
        law = laws.get(own)
        fitted = None
        if law and law.a is not None and law.b is not None and law.c is not None:
            fitted = (law.a, law.b, law.c)
        groups.sort(key=lambda group: group.label_count or 0)
        if len(groups) > 1:
            scores = [group.score for group in groups if group.score]
            found.append(Curve([float(group.label_count or 0) for group in groups], scores, fitted, place))
    size, x_label = charts.MOST_CURVES, planned.counted(record.plan)
    parts = [found[i : i + size] for i in range(0, len(found), size)]
    note = "Logarithmic axis."
    return [Figure(charts.growth(part, x_label, record.metric), f"{record.metric} by labels", note) for part in parts]


def fronts(record: StudyRecord, places: Series) -> list[Figure]:
    """Returns the score by each cost, among the groups with the most labels.

    Args:
        record: the study.
        places: see `series`.
    """
    some, found = largest(record), []
    for cost in COSTS:
        points = [_point(group, cost, places) for group in some if getattr(group, cost) is not None]
        if len(points) > 1:
            axis, title = NAMES[cost]
            found.append(Figure(charts.front(points, axis, record.metric), title, ""))
    return found


def front_note(record: StudyRecord) -> str:
    """Returns what the figures of `fronts` show, in words."""
    some = largest(record)
    count = some[0].label_count if some else None
    rows = f"Runs with {count:,} {planned.counted(record.plan)}. " if count else ""
    return (
        f"{rows}A filled marker on the line is on the Pareto front: nothing else does as well for less. Peak memory "
        "includes what the process held before."
    )


def largest(record: StudyRecord) -> Sequence[Group]:
    """Returns the groups with a score that have the largest number of labels, or all rows."""
    scored = [group for group in record.groups if group.score is not None and math.isfinite(group.score.value)]
    most = max((_size(group) for group in scored), default=0.0)
    return [group for group in scored if _size(group) == most]


def _size(group: Group) -> float:
    return math.inf if group.label_count is None else group.label_count


def _point(group: Group, cost: str, places: Series) -> Point:
    value, score = float(getattr(group, cost)), group.score.value if group.score else math.nan
    own = value / MIB if cost == "artifact_bytes" else value
    return Point(own, score, cost in group.front, places[group.method, group.model])
