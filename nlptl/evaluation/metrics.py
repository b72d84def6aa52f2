"""The metrics as `evaluate.Metric`s, for `evaluate.combine` and trainers; without network or files."""

from collections.abc import Sequence
from typing import Any, ClassVar

import datasets  # evaluate declares a metric's inputs in no other way
import evaluate
import numpy as np

from nlptl.core.records import Answer, LabelSpace, Output
from nlptl.evaluation.confusion import Ids, check_rows, confusion_matrix
from nlptl.evaluation.formulas import find_metric, measure, per_class
from nlptl.evaluation.table import BY_ROW, METRICS

NUMBER, TEXT = datasets.Value("float64"), datasets.Value("string")


class OfflineMetric(evaluate.Metric):  # type: ignore[misc]
    """A metric that needs no files; a subclass says what it takes and computes."""

    predictions: ClassVar[Any] = datasets.Value("int64")
    """The form of one prediction."""
    references: ClassVar[Any] = datasets.Value("int64")
    """The form of one reference."""
    inputs: ClassVar[str] = "Class ids, one a row."

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
        features = datasets.Features({"predictions": self.predictions, "references": self.references})
        return evaluate.MetricInfo(
            description=self.__doc__, citation="", inputs_description=self.inputs, features=features
        )

    def _build_data_dir(self) -> str:
        # evaluate makes its cache folder even for a metric that is kept in memory
        return str(self._data_dir_root if self.keep_in_memory else super()._build_data_dir())


class ConfusionMetric(OfflineMetric):
    """What is computed from the confusion matrix of class ids; a subclass says which metric."""

    metric: ClassVar[str]

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


class RowMetric(OfflineMetric):
    """What is a formula over statistics of rows; a subclass says of which output, its object which metric."""

    output: ClassVar[Output]

    def __init__(self, metric: str, labels: LabelSpace | None = None, **options: Any) -> None:
        """Keeps the metric's name.

        Args:
            metric: a key of `METRICS[output]`.
            labels: the label space, where the output has one.
            options: what `evaluate.Metric` takes.
        """
        self.metric = metric
        super().__init__(labels, **options)

    def _compute(self, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, Any]:
        wanted = [self._reference(value) for value in references]
        value = BY_ROW[self.output].value(wanted, predictions, self.labels or LabelSpace(()), self.metric)
        return {self.metric: value}

    def _reference(self, value: Any) -> Any:
        return value


class NumberMetric(RowMetric):
    """A metric of numbers."""

    output, predictions, references = "number", NUMBER, NUMBER
    inputs = "Numbers, one a row."


class TagMetric(RowMetric):
    """A metric of entities."""

    output, predictions, references = "tags", datasets.List(TEXT), datasets.List(TEXT)
    inputs = "BIO tags, a list of them a row."


class TextMetric(RowMetric):
    """A metric of written answers."""

    output, predictions, references = "text", TEXT, TEXT
    inputs = "Texts, one a row."


class SpanMetric(RowMetric):
    """A metric of answers to questions."""

    output, predictions, references = "span", TEXT, datasets.List(TEXT)
    inputs = "An answer a row, empty for none; as reference a list of the accepted answers, empty where there is none."

    def _reference(self, value: Sequence[str]) -> tuple[Answer, ...]:
        return tuple(Answer(text, -1) for text in value)


CLASSES: dict[str, type[ConfusionMetric]] = {
    cls.metric: cls
    for cls in (Accuracy, MacroF1, MicroF1, MacroPrecision, MacroRecall, Matthews, MeanAbsoluteError, QuadraticKappa)
}
ROW_CLASSES: tuple[type[RowMetric], ...] = (NumberMetric, TagMetric, SpanMetric, TextMetric)


def load_metric(name: str, labels: LabelSpace | None = None) -> OfflineMetric:
    """Returns a fresh `evaluate.Metric` for a name.

    A name that several outputs have is that of class ids first (mae, quadratic_kappa), then that of answers to
    questions (exact_match, f1).

    Args:
        name: a metric of class ids, numbers, tags, answers to questions or written answers.
        labels: the label space of class ids; default: ids from 0 to the largest seen.

    Raises:
        InputError: nothing has that name.
    """
    by_row = {metric: cls for cls in reversed(ROW_CLASSES) for metric in METRICS[cls.output]}
    known = {metric: METRICS[cls.output][metric] for metric, cls in by_row.items()}
    find_metric(name, {**METRICS["class"], **known})
    return CLASSES[name](labels) if name in CLASSES else by_row[name](name, labels)


def _ids_as_labels(n_classes: int) -> LabelSpace:
    return LabelSpace(tuple(str(i) for i in range(n_classes)), tuple(float(i) for i in range(n_classes)))
