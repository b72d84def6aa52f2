"""The metrics of each kind of answers."""

from collections.abc import Collection, Mapping, Sequence

from nlptl.core import registry
from nlptl.core.errors import InputError, nearest
from nlptl.core.kinds import KINDS
from nlptl.core.records import LabelSpace
from nlptl.evaluation import kinds, own
from nlptl.evaluation.formulas import Metric
from nlptl.evaluation.measures import Measure, RowsMetric, Sometimes
from nlptl.evaluation.rows import Rows

METRICS: dict[str, Mapping[str, Metric]] = {output: kinds.of(output).measured.metrics for output in KINDS}
"""Metrics of decisions, by kind of answers and name; the same name means the same metric in every kind."""


def usable(output: str, labels: LabelSpace) -> tuple[str, ...]:
    """Returns the names of the metrics that can be measured on any rows.

    `score` also measures metrics that only some data has: quadratic_kappa if numbers are whole; has_answer_exact_match,
    has_answer_f1 and no_answer_accuracy if some questions have no answer; coverage and selective_accuracy if the model
    may abstain. Metrics of scores need scores.

    Args:
        output: the kind of answers.
        labels: the label space; some metrics need ordered labels.
    """
    kind = kinds.of(output)
    ordered = kind.is_ordered(labels)
    metrics = kind.measured.metrics.items()
    of_decisions = tuple(name for name, metric in metrics if (ordered if metric.ordered else metric.always))
    return (*of_decisions, *(name for name in _in_files(output) if not isinstance(find(name), Sometimes)))


def check(output: str, labels: LabelSpace, primary: str, reported: Sequence[str] | None) -> None:
    """Checks the names of metrics before training.

    Args:
        output: the kind of answers.
        labels: the label space.
        primary: the primary metric, see `EvalConfig.metric`.
        reported: the metrics to report, see `EvalConfig.metrics`.

    Raises:
        InputError: a metric does not fit the kind of answers.
    """
    known = usable(output, labels)
    rare = (*(name for name, metric in METRICS[output].items() if not metric.always), *_in_files(output))
    _check("eval.metric", primary, known, output)
    for name in reported or ():
        _check("eval.metrics", name, (*known, *(name for name in rare if name not in known)), output)


def _check(field: str, name: str, known: Sequence[str], output: str) -> None:
    if name in known or ("." in name and _fits(own.load(name), output)):
        return
    raise InputError(f"{field} {name!r} is not measured here{nearest(name, known)}; usable: {', '.join(known)}")


def greater_is_better(name: str) -> bool:
    """Returns whether larger values of a metric are better.

    Args:
        name: a metric of any kind of answers, or a dotted name.

    Raises:
        InputError: nothing has that name.
    """
    known = {name: metric for metrics in METRICS.values() for name, metric in metrics.items()}
    return known[name].greater_is_better if name in known else find(name).greater_is_better


def find(name: str) -> RowsMetric:
    """Returns a metric that is a file of nlptl, a user's own class, or a class of an installed package.

    Raises:
        InputError: nothing has that name.
    """
    if name in registry.own_names("metric"):
        metric: RowsMetric = registry.load("metric", name)()
        return metric
    if "." in name or name in registry.names("metric"):
        return own.load(name)
    known = dict.fromkeys([name for metrics in METRICS.values() for name in metrics])
    every = (*known, *registry.names("metric"))
    raise InputError(f"unknown metric {name!r}{nearest(name, every)}; known: {', '.join(every)}")


def measures(rows: Rows, only: Collection[str] | None) -> dict[str, Measure]:
    """Returns the metrics of rows, except those that need only decisions.

    Args:
        rows: labelled rows with answers.
        only: names of metrics; None for all of the kind.
    """
    names = _in_files(rows.output) if only is None else only
    decisions = METRICS[rows.output]
    metrics = {name: find(name) for name in names if name not in decisions}
    return {
        name: metric.measure(rows)
        for name, metric in metrics.items()
        if _fits(metric, rows.output) and _applies(metric, rows)
    }


def _in_files(output: str) -> tuple[str, ...]:
    return tuple(name for name in registry.names("metric") if output in find(name).kinds)


def _applies(metric: RowsMetric, rows: Rows) -> bool:
    if metric.needs_scores and rows.scores is None:
        return False
    return not isinstance(metric, Sometimes) or metric.applies(rows)


def _fits(metric: RowsMetric, output: str) -> bool:
    return not metric.kinds or output in metric.kinds
