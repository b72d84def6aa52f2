"""Metrics as a user writes them."""

from typing import ClassVar

import datasets
import evaluate
import numpy as np

from nlptl.evaluation.measures import Measure, mean

IDS, NAME, NUMBER = datasets.Value("int32"), datasets.Value("string"), datasets.Value("float32")


class Own(evaluate.Metric):
    """What the metrics here share."""

    predictions: ClassVar = NAME
    references: ClassVar = NAME

    def _info(self):
        features = datasets.Features({"predictions": self.predictions, "references": self.references})
        return evaluate.MetricInfo(description="", citation="", inputs_description="", features=features)

    def _compute(self, predictions, references):
        return {"share": float(np.mean([a == b for a, b in zip(predictions, references, strict=True)]))}


class OfNames(Own):
    """Accuracy of label names."""


class OfIds(Own):
    """Mean distance of class ids."""

    predictions, references = IDS, IDS
    greater_is_better = False

    def _compute(self, predictions, references):
        return {"distance": float(np.abs(np.subtract(predictions, references)).mean())}


class OfIndicators(Own):
    """Accuracy of rows of 0 and 1."""

    predictions, references = datasets.List(IDS), datasets.List(IDS)

    def _compute(self, predictions, references):
        assert set(np.ravel(references)) <= {0, 1}
        return super()._compute(predictions, references)


class OfNumbers(Own):
    """Mean error, in the labels' numbers."""

    predictions, references = NUMBER, NUMBER

    def _compute(self, predictions, references):
        return {"error": float(np.mean(np.subtract(predictions, references)))}


class OfAcceptedTexts(Own):
    """Share of texts that are accepted."""

    references = datasets.List(NAME)

    def _compute(self, predictions, references):
        return {"share": float(np.mean([a in b for a, b in zip(predictions, references, strict=True)]))}


class OfScores(Own):
    """Mean score of the label."""

    def _info(self):
        features = datasets.Features({"prediction_scores": datasets.List(NUMBER), "references": IDS})
        return evaluate.MetricInfo(description="", citation="", inputs_description="", features=features)

    def _compute(self, prediction_scores, references):
        scores = [row[i] for row, i in zip(prediction_scores, references, strict=True)]
        return {"mean_score": float(np.mean(scores)), "n": len(scores), "own_metrics": float(np.mean(scores))}

    @property
    def name(self):
        return "own_metrics"


class OfWeights(Own):
    """Takes what nlptl does not know."""

    def _info(self):
        features = datasets.Features({"predictions": NAME, "references": NAME, "weights": NUMBER})
        return evaluate.MetricInfo(description="", citation="", inputs_description="", features=features)


class OfRows:
    """Confidence in what is predicted, without the library `evaluate`."""

    kinds = ("class",)
    greater_is_better = True
    needs_scores = True

    def measure(self, rows) -> Measure:
        return mean(rows.known_scores.max(1))


class NoMetric:
    """Something else."""
