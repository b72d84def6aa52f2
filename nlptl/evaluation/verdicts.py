"""Says in words what is wrong with a model: worse than a baseline, one class for all rows, nothing correct."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from nlptl.core.records import Finding, Interval, Scores
from nlptl.core.shown import LABEL, shown
from nlptl.evaluation.listing import greater_is_better

SHOWN = 3
"""Most labels named in a message."""
ZERO = {
    "macro_f1": "no answer is correct",
    "micro_f1": "no answer is correct",
    "f1": "no answer is correct",
    "entity_f1": "no entity is found",
    "has_answer_f1": "no question with an answer is answered correctly",
}
"""What it means if a metric is 0."""
COUNTED = ("macro_f1", "micro_f1", "entity_f1")
"""Metrics that count labels or entities."""


@dataclass(frozen=True)
class Transfer:
    """A model beside the best of its baselines."""

    outcome: Literal["helped", "unclear", "negative"]
    """helped, negative: better or worse by more than the difference's interval."""
    baseline: str
    gain: Interval
    """The model's metric minus the baseline's."""
    better_by: float
    """The difference, positive if the model is better, whether large or small values are."""


def transfer(metric: str, gains: Mapping[str, Interval]) -> Transfer:
    """Returns how a model compares with the best of its baselines.

    Args:
        metric: the primary metric.
        gains: the model's metric minus each baseline's, at least one.
    """
    sign = 1 if greater_is_better(metric) else -1
    name = min(gains, key=lambda name: sign * gains[name].value)
    gain = gains[name]
    least, most = sorted((sign * gain.low, sign * gain.high))
    return Transfer("helped" if least > 0 else "negative" if most < 0 else "unclear", name, gain, sign * gain.value)


def verdict(scores: Scores, metric: str | None = None, gains: Mapping[str, Interval] | None = None) -> list[Finding]:
    """Returns findings on what is wrong with a model, from its scores on one split.

    Kinds: below_baseline, always_abstains, single_class, zero_f1, missed_labels.

    Args:
        scores: the model's scores.
        metric: the primary metric.
        gains: the model's metric minus each baseline's.
    """
    below = _below(scores, metric, gains) if metric and gains else []
    return [*below, *_always_abstains(scores), *(_single_class(scores) or _zero_f1(scores) or _missed(scores))]


def is_worse(metric: str, gains: Mapping[str, Interval]) -> bool:
    """Returns whether a model is worse than one of its baselines by more than the difference's interval.

    Args:
        metric: the primary metric.
        gains: the model's metric minus each baseline's.
    """
    sign = 1 if greater_is_better(metric) else -1
    return any(gain.high < 0 if sign > 0 else gain.low > 0 for gain in gains.values())


def _below(scores: Scores, metric: str, gains: Mapping[str, Interval]) -> list[Finding]:
    sign = 1 if greater_is_better(metric) else -1
    name = min(gains, key=lambda name: sign * gains[name].value)
    gain = gains[name]
    if sign * gain.value > 0:
        return []
    own, sure = scores.metrics[metric].value, gain.high < 0 if sign > 0 else gain.low > 0
    chance = "" if sure or not gain.value else ", perhaps by chance"
    beside = "is worse than" if gain.value else "equals"
    message = (
        f"{metric} {own:.4f} {beside} the {own - gain.value:.4f} of the baseline {name}{chance}: "
        "the pretrained model did not help here"
    )
    return [Finding("below_baseline", message, _n_rows(scores), "warning", {"baseline": name, "gain": gain.value})]


def _always_abstains(scores: Scores) -> list[Finding]:
    if "coverage" not in scores.metrics or scores.metrics["coverage"].value > 0:
        return []
    n = _n_rows(scores)
    message = f"the model abstains from all {n:,} rows; what it would predict, and the scores, are there nevertheless"
    return [Finding("always_abstains", message, n, "warning")]


def _single_class(scores: Scores) -> list[Finding]:
    predicted = [sum(column) for column in zip(*scores.confusion, strict=True)]
    labelled = [sum(row) for row in scores.confusion]
    if sum(map(bool, predicted)) != 1 or sum(map(bool, labelled)) < 2:
        return []
    only = next(i for i, n in enumerate(predicted) if n)
    n, name = sum(predicted), list(scores.per_class)[only]
    message = f"all {n:,} rows are predicted as {_quoted(name)}, which is correct for {labelled[only]:,} of them"
    return [Finding("single_class", message, n, "warning", {"label": name})]


def _zero_f1(scores: Scores) -> list[Finding]:
    zero = next((name for name in ZERO if name in scores.metrics and scores.metrics[name].value == 0), None)
    # F1 is also 0 if the rows have no entity or label to find.
    if zero is None or (zero in COUNTED and not any(row["support"] for row in scores.per_class.values())):
        return []
    return [Finding("zero_f1", f"{zero} is 0: {ZERO[zero]}", _n_rows(scores), "warning", {"metric": zero})]


def _missed(scores: Scores) -> list[Finding]:
    missed = {name: int(row["support"]) for name, row in scores.per_class.items() if row["support"] and not row["f1"]}
    if not missed:
        return []
    named = ", ".join(
        f"{_quoted(name)} ({n:,} {'row' if n == 1 else 'rows'})" for name, n in list(missed.items())[:SHOWN]
    )
    more = f" and {len(missed) - SHOWN} more" if len(missed) > SHOWN else ""
    message = f"never predicted correctly: {named}{more}"
    return [Finding("missed_labels", message, sum(missed.values()), "warning", {"labels": list(missed)})]


def _n_rows(scores: Scores) -> int:
    return sum(map(sum, scores.confusion)) or sum(int(row["support"]) for row in scores.per_class.values())


def _quoted(name: str) -> str:
    return shown(repr(name), LABEL)
