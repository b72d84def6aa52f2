"""Evaluation of answers without scores, written as plain values."""

from nlptl import evaluation
from nlptl.core.records import Prediction


def predicted(answers):
    """Returns the predictions of plain answers."""
    return [Prediction(i, answer, {}) for i, answer in enumerate(answers)]


def score(output, references, answers, labels, **options):
    return evaluation.score(output, references, predicted(answers), labels, **options)


def values(output, references, answers, labels):
    return evaluation.values(output, references, predicted(answers), labels)


def paired_difference(output, references, a, b, labels, metric, **options):
    return evaluation.paired_difference(output, references, predicted(a), predicted(b), labels, metric, **options)


def baselines(output, train, rows, labels, *, seed):
    found = evaluation.baseline_predictions(output, train, rows, labels, seed=seed)
    return {name: [p.prediction for p in predictions] for name, predictions in found.items()}
