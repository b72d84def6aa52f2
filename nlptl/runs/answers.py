"""The model's answers for a split, and the predictions and metrics that follow from them."""

from collections.abc import Sequence

import numpy as np

from nlptl import evaluation
from nlptl.core.errors import InputError
from nlptl.core.finite import refuse_not_finite
from nlptl.core.recipe import Recipe
from nlptl.core.records import Prediction
from nlptl.engine import inference, memory
from nlptl.engine.device import Compute
from nlptl.runs.preparing import Prepared


def answered(prepared: Prepared, split: str, compute: Compute) -> np.ndarray:
    """Returns the model's answers for a split: see `inference.answers`."""
    features = prepared.features[split]
    prefix = prepared.prefixes.of(features, compute)
    memory.give_back()  # what the last updates left
    answers = inference.answers(prepared.pretrained.module, features, compute, prefix)
    memory.give_back()
    return answers


def tune(prepared: Prepared, answers: np.ndarray, split: str = "validation") -> None:
    """Fits on a split what decisions need, such as thresholds, in place of what was fitted before."""
    pretrained, references = prepared.pretrained, [e.label for e in prepared.corpus.splits[split]]
    pretrained.decision = {}
    found, wanted = decode(prepared, split, answers), prepared.recipe.eval
    pretrained.decision = evaluation.decide(pretrained.output, references, found, prepared.labels, wanted)


def decode(prepared: Prepared, split: str, answers: np.ndarray) -> list[Prediction]:
    """Returns the predictions for a split, one a row."""
    features, examples = prepared.features[split], prepared.corpus.splits[split]
    refuse_not_finite(answers, features, examples)
    return prepared.recipe.task.decode(answers, features, examples, prepared.pretrained)


def reported(recipe: Recipe) -> list[str] | None:
    """Returns the names of the reported metrics, including the primary one; None: all of the kind."""
    metric, others = str(recipe.eval.metric), recipe.eval.metrics
    if others is None:
        return None
    abstention = [] if recipe.eval.abstain is None else ["coverage", "selective_accuracy"]
    return list(dict.fromkeys([*others, *abstention, metric]))


def values(prepared: Prepared, split: str, predictions: Sequence[Prediction]) -> dict[str, float]:
    """Returns the metrics of predictions on a split, without intervals."""
    references, only = [e.label for e in prepared.corpus.splits[split]], reported(prepared.recipe)
    found = evaluation.values(prepared.pretrained.output, references, predictions, prepared.labels, only)
    metric = str(prepared.recipe.eval.metric)
    if metric not in found:
        raise InputError(f"eval.metric {metric!r} needs a score for each label, which the task's predictions lack")
    return found
