"""Which metrics each kind of answers has."""

from collections.abc import Collection, Mapping, Sequence

from nlptl.core import registry
from nlptl.core.errors import InputError, nearest
from nlptl.core.kinds import KINDS
from nlptl.core.records import LabelSpace
from nlptl.evaluation import kinds, own
from nlptl.evaluation.formulas import Metric
from nlptl.evaluation.measures import Measure, RowsMetric
from nlptl.evaluation.rows import Rows

METRICS: dict[str, Mapping[str, Metric]] = {output: kinds.of(output).measured.metrics for output in KINDS}
"""Metrics of decisions, by kind of answers and name; a name that several kinds share means the same in all of them."""


def usable(output: str, labels: LabelSpace) -> tuple[str, ...]:
    """Returns the names of the metrics that are measured whatever the rows are.

    `score` adds those that only some rows have: quadratic_kappa of whole numbers, and of questions, if some have no
    answer, has_answer_exact_match, has_answer_f1 and no_answer_accuracy. Metrics of scores need a task that gives such.

    Args:
        output: the kind of answers.
        labels: the label space; metrics of ordered labels need the numbers behind them.
    """
    kind = kinds.of(output)
    ordered = kind.is_ordered(labels)
    own_metrics = kind.measured.metrics.items()
    of_decisions = tuple(name for name, metric in own_metrics if (ordered if metric.ordered else metric.always))
    return (*of_decisions, *_in_files(output))


def check(output: str, labels: LabelSpace, primary: str, reported: Sequence[str] | None) -> None:
    """Checks the names of metrics before training.

    Args:
        output: the kind of answers.
        labels: the label space.
        primary: the metric that chooses the best state, as `EvalConfig.metric`.
        reported: the metrics that are reported, as `EvalConfig.metrics`.

    Raises:
        InputError: one is not measured for such answers.
    """
    known = usable(output, labels)
    rare = tuple(name for name, metric in METRICS[output].items() if not metric.always)
    _check("eval.metric", primary, known, output)
    for name in reported or ():
        _check("eval.metrics", name, (*known, *(name for name in rare if name not in known)), output)


def _check(field: str, name: str, known: Sequence[str], output: str) -> None:
    if name in known or ("." in name and _fits(own.load(name), output)):
        return
    raise InputError(f"{field} {name!r} is not measured here{nearest(name, known)}; usable: {', '.join(known)}")


def greater_is_better(name: str) -> bool:
    """Returns whether a larger value of the metric is a better one.

    Args:
        name: a metric of any kind of answers, or a dotted name.

    Raises:
        InputError: nothing has that name.
    """
    known = {name: metric for metrics in METRICS.values() for name, metric in metrics.items()}
    return known[name].greater_is_better if name in known else find(name).greater_is_better


def find(name: str) -> RowsMetric:
    """Returns the metric that has a file, or is a class of the user's own or of an installed package.

    Raises:
        InputError: nothing has that name.
    """
    if name in registry.own_names("metric"):
        found: RowsMetric = registry.load("metric", name)()
        return found
    if "." in name or name in registry.names("metric"):
        return own.load(name)
    known = dict.fromkeys([name for metrics in METRICS.values() for name in metrics])
    every = (*known, *registry.names("metric"))
    raise InputError(f"unknown metric {name!r}{nearest(name, every)}; known: {', '.join(every)}")


def measures(rows: Rows, only: Collection[str] | None) -> dict[str, Measure]:
    """Returns the metrics of some rows, but for those of decisions alone.

    Args:
        rows: labelled rows with answers.
        only: names; None for all of the kind.
    """
    names = _in_files(rows.output) if only is None else only
    decisions = METRICS[rows.output]
    found = {name: find(name) for name in names if name not in decisions}
    return {
        name: metric.measure(rows)
        for name, metric in found.items()
        if _fits(metric, rows.output) and not (metric.needs_scores and rows.scores is None)
    }


def _in_files(output: str) -> tuple[str, ...]:
    return tuple(name for name in registry.names("metric") if output in find(name).kinds)


def _fits(metric: RowsMetric, output: str) -> bool:
    return not metric.kinds or output in metric.kinds
