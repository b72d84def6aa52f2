"""What evaluation says of one split."""

from collections.abc import Sequence

from nlptl.evaluation.confusion import confusion_matrix, paired_ids
from nlptl.evaluation.formulas import per_class, usable
from nlptl.evaluation.uncertainty import bootstrap
from nlptl.records import LabelSpace, Scores


def score(
    references: Sequence[str], predictions: Sequence[str], labels: LabelSpace, *, n_bootstrap: int, seed: int
) -> Scores:
    """Returns the metrics with 95 % intervals, the table by class and the confusion matrix.

    Args:
        references: the labels, by name.
        predictions: the predicted labels, by name, in the same order.
        labels: the label space; mae and quadratic_kappa are measured only where its labels are numbers.
        n_bootstrap: resamples behind each interval.
        seed: of the resampling.

    Raises:
        InputError: there are no rows, the lengths differ, or a name is not in the label space.
    """
    confusion = confusion_matrix(*paired_ids(references, predictions, labels), len(labels.names))
    metrics = bootstrap(confusion, usable(labels.values), labels.values, n_bootstrap=n_bootstrap, seed=seed)
    return Scores(metrics, per_class(confusion, labels.names), confusion.tolist())
