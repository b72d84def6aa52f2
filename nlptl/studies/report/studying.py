"""The page of a study, from study.json."""

import math
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from nlptl.core.records import Interval
from nlptl.core.study import COSTS, Group, Growth, StudyRecord
from nlptl.report import studying
from nlptl.report.parts import Key, Setting, Verdict
from nlptl.report.rendering import base, number
from nlptl.report.study_page import GroupRow, Promise, StudyPage
from nlptl.runs.report.writing import shown_folder
from nlptl.studies import planned
from nlptl.studies.places import STUDY
from nlptl.studies.report import drawn


def page(record: StudyRecord, folder: Path) -> StudyPage:
    """Returns the page.

    Args:
        record: the content of study.json.
        folder: in which it lies.
    """
    series = drawn.series(record)
    curves, fronts = drawn.curves(record, series), drawn.fronts(record, series)
    settings = [Setting(name, _in_words(value)) for name, value in planned.changed(record.plan).items()]
    return StudyPage(
        title=f"Study of {len(planned.methods(record.plan)) or 'some'} methods: {record.task}, {record.metric}",
        facts=_facts(record, folder),
        command=_command(record, folder),
        verdict=_verdict(record),
        record=record,
        headings=studying.names(record),
        groups=[_row(record, group, series) for group in record.groups],
        keys=[Key(place, _named(record, *own)) for own, place in series.items()],
        curves=curves,
        promises=[_promise(record, one, series) for one in record.growth],
        fronts=fronts,
        front_note=drawn.front_note(record),
        settings=settings,
        missing=_missing(record, n_curves=len(curves), n_fronts=len(fronts)),
    )


def _facts(record: StudyRecord, folder: Path) -> list[tuple[str, str]]:
    plan, data = record.plan, record.plan.get("data")
    train = data.get("train") if isinstance(data, dict) else None
    counts = planned.listed(plan, "label_counts")
    better = "greater" if record.greater_is_better else "smaller"
    return [
        ("Folder", str(shown_folder(folder))),
        ("Task", record.task),
        ("Data", "the task's sample" if train is None else str(train)),
        ("Methods", planned.listed(plan, "methods")),
        ("Models", planned.listed(plan, "models")),
        ("Seeds", planned.listed(plan, "seeds")),
        ("Training rows", counts if counts == "all" else f"{counts} ({planned.counted(plan)})"),
        ("Metric", f"{record.metric} on {record.split}, {better} is better"),
    ]


def _command(record: StudyRecord, folder: Path) -> str:
    """Returns the command that goes on with the study; empty if study.json is not enough for that."""
    if not planned.can_be_made_again(record.plan):
        return ""
    place = shown_folder(folder)
    return shlex.join(["nlptl", "compare", "--plan", str(place / STUDY), "--output", str(place)])


def _verdict(record: StudyRecord) -> Verdict:
    n, states = len(record.cells), Counter(cell.status for cell in record.cells)
    done, failed, left = states["succeeded"], states["failed"], n - states["succeeded"] - states["failed"]
    sentences = [sentence for sentence in (_best(record),) if sentence]
    sentences += [f"{failed} of {n} runs failed; the reasons are under Runs."] if failed else []
    sentences += [f"{left} of {n} runs are missing or were interrupted: the same command goes on."] if left else []
    if not planned.can_be_made_again(record.plan):
        why = "its data was in memory" if planned.in_memory(record.plan) else "its methods were made in Python"
        sentences.append(f"No command makes this study again, because {why}: call nlptl.study again.")
    if any(group.n_seeds == 2 for group in record.groups):
        sentences.append("Two seeds give no interval: their mean is shown alone.")
    if not done:
        return Verdict("bad", "No run has finished.", sentences)
    headline = f"All {n} runs finished." if done == n else f"{done} of {n} runs finished."
    headline = "The only run finished." if done == n == 1 else headline
    return Verdict("good" if done == n else "bad" if failed else "unclear", headline, sentences)


def _best(record: StudyRecord) -> str:
    """Returns which group has the best score, among those with the most labels; empty if none has a score."""
    some = drawn.largest(record)
    if not some:
        return ""
    sign = 1 if record.greater_is_better else -1
    best = max(some, key=lambda group: sign * group.score.value if group.score else -math.inf)
    score = best.score or Interval(math.nan, math.nan, math.nan)
    ends = f" ({number(score.low)} to {number(score.high)})" if math.isfinite(score.low) else ""
    rows = "" if best.label_count is None else f" with {best.label_count:,} {planned.counted(record.plan)}"
    who = _named(record, best.method, best.model)
    return f"The best {record.metric}{rows}: {who}, {number(score.value)}{ends}."


def _row(record: StudyRecord, group: Group, series: drawn.Series) -> GroupRow:
    failed = f" ({group.n_failed} failed)" if group.n_failed else ""
    return GroupRow(
        series[group.method, group.model],
        studying.name(record, group),
        group.score,
        group.score is not None and math.isfinite(group.score.low),
        f"{group.n_seeds}{failed}",
        [(studying.price(group, cost), cost in group.front) for cost in COSTS],
    )


def _promise(record: StudyRecord, curve: Growth, series: drawn.Series) -> Promise:
    n, gain = curve.largest or 0, curve.doubled
    return Promise(
        series[curve.method, curve.model],
        _named(record, curve.method, curve.model),
        studying.in_words(curve) if gain is not None else "",
        gain,
        gain is not None and math.isfinite(gain.low) and gain.low < gain.high,
        f"{2 * n:,} in place of {n:,}",
        curve.reason or "",
    )


def _missing(record: StudyRecord, *, n_curves: int, n_fronts: int) -> dict[str, str]:
    found = {}
    if not n_curves:
        found["curves"] = "A curve needs runs with two numbers of labels (--label_counts), a fitted law three."
    if not n_fronts:
        found["fronts"] = "Score and cost are drawn for two finished groups or more."
    if not planned.changed(record.plan):
        found["settings"] = "The plan is not known."
    return found


def _named(record: StudyRecord, method: str, model: str) -> str:
    models = {group.model for group in record.groups}
    return f"{method}, {base(model)}" if len(models) > 1 else method


def _in_words(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value))
    return "not set" if value is None else str(value)
