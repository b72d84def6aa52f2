"""The metrics as `evaluate.Metric`s over class ids, for `evaluate.combine` and trainers; without network or files."""

from collections.abc import Sequence
from typing import Any, ClassVar

import datasets  # evaluate declares a metric's inputs in no other way
import evaluate
import numpy as np

from nlptl.evaluation.confusion import Ids, check_rows, confusion_matrix
from nlptl.evaluation.formulas import find_metric, measure, per_class
from nlptl.records import LabelSpace


class ConfusionMetric(evaluate.Metric):  # type: ignore[misc]
    """What is computed from the confusion matrix of class ids; a subclass says which metric."""

    metric: ClassVar[str]

    def __init__(self, labels: LabelSpace | None = None, **options: Any) -> None:
        """Keeps the label space.

        Args:
            labels: the label space; default: ids from 0 to the largest seen, with the ids as names and as values.
            options: what `evaluate.Metric` takes.
        """
        self.labels = labels
        options.setdefault("keep_in_memory", True)
        super().__init__(**options)

    def _info(self) -> Any:
        ids = datasets.Features({"predictions": datasets.Value("int64"), "references": datasets.Value("int64")})
        return evaluate.MetricInfo(
            description=self.__doc__, citation="", inputs_description="Class ids, one a row.", features=ids
        )

    def _build_data_dir(self) -> str:
        # evaluate makes its cache folder even for a metric that is kept in memory
        return str(self._data_dir_root if self.keep_in_memory else super()._build_data_dir())

    def _compute(self, predictions: Sequence[int], references: Sequence[int]) -> dict[str, Any]:
        check_rows(len(references), len(predictions))
        wanted, found = np.asarray(references, dtype=np.int64), np.asarray(predictions, dtype=np.int64)
        labels = self.labels or _ids_as_labels(int(max(wanted.max(), found.max())) + 1)
        return self._result(confusion_matrix(wanted, found, len(labels.names)), labels)

    def _result(self, confusion: Ids, labels: LabelSpace) -> dict[str, Any]:
        return {self.metric: float(measure(self.metric, confusion, labels.values))}


class Accuracy(ConfusionMetric):
    """Share of rows predicted right."""

    metric = "accuracy"


class MacroF1(ConfusionMetric):
    """Mean F1 of the classes that occur."""

    metric = "macro_f1"


class MicroF1(ConfusionMetric):
    """F1 over the pooled decisions; with one label a row it equals accuracy."""

    metric = "micro_f1"


class MacroPrecision(ConfusionMetric):
    """Mean precision of the classes that occur."""

    metric = "macro_precision"


class MacroRecall(ConfusionMetric):
    """Mean recall of the classes that occur."""

    metric = "macro_recall"


class Matthews(ConfusionMetric):
    """Correlation of labels and predictions."""

    metric = "matthews"


class MeanAbsoluteError(ConfusionMetric):
    """Mean absolute error in the unit of the labels."""

    metric = "mae"


class QuadraticKappa(ConfusionMetric):
    """Agreement beyond chance with squared distances of ranks as weights."""

    metric = "quadratic_kappa"


class ConfusionMatrix(ConfusionMetric):
    """How often each class was predicted (columns) for each label (rows)."""

    def _result(self, confusion: Ids, labels: LabelSpace) -> dict[str, Any]:
        return {"confusion_matrix": confusion.tolist()}


class PerClass(ConfusionMetric):
    """Precision, recall, F1 and support of each class."""

    def _result(self, confusion: Ids, labels: LabelSpace) -> dict[str, Any]:
        return {"per_class": per_class(confusion, labels.names)}


CLASSES: dict[str, type[ConfusionMetric]] = {
    cls.metric: cls
    for cls in (Accuracy, MacroF1, MicroF1, MacroPrecision, MacroRecall, Matthews, MeanAbsoluteError, QuadraticKappa)
}


def load_metric(name: str, labels: LabelSpace | None = None) -> ConfusionMetric:
    """Returns a fresh `evaluate.Metric` for a name.

    Args:
        name: a key of `nlptl.evaluation.METRICS`.
        labels: the label space; default: ids from 0 to the largest seen.

    Raises:
        InputError: nothing has that name.
    """
    find_metric(name)
    return CLASSES[name](labels)


def _ids_as_labels(n_classes: int) -> LabelSpace:
    return LabelSpace(tuple(str(i) for i in range(n_classes)), tuple(float(i) for i in range(n_classes)))
