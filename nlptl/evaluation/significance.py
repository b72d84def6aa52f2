"""Whether two models differ on the same rows: a permutation test, McNemar's test, and Holm's correction of several."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from nlptl.core.records import LabelSpace, Prediction
from nlptl.evaluation import kinds, measures
from nlptl.evaluation.permutations import Permutations
from nlptl.evaluation.ratios import Floats
from nlptl.evaluation.rows import Rows
from nlptl.evaluation.scores import measure


def paired_test(
    output: str,
    references: Sequence[object],
    a: Sequence[Prediction],
    b: Sequence[Prediction],
    labels: LabelSpace,
    metric: str,
    *,
    n_permutations: int,
    seed: int,
) -> float:
    """Returns the two-sided p-value of metric(a) - metric(b) if the two answers to a row are exchanged at random.

    Args:
        output: the kind of answers.
        references: the labels, see `Example.label`.
        a: predictions of one model, in the same order.
        b: predictions of the other model.
        labels: the label space.
        metric: a metric of the kind, or the dotted name of the user's own metric.
        n_permutations: at most 100,000.
        seed: of the permutations.

    Raises:
        InputError: there are no rows, lengths differ, a row is not of the kind's form, or the metric cannot be measured
            on these rows.
    """
    permutations = Permutations.of(n_permutations, seed)
    measured = kinds.of(output).measured
    if metric in measured.metrics:
        first, second = (Rows.of(output, references, predictions, labels) for predictions in (a, b))
        return measured.permuted(first, second, metric, permutations).p_value
    both = Rows.of(output, [*references, *references], [*a, *b], labels)
    return measures.permuted(measure(both, metric), len(references), permutations).p_value


def mcnemar(a: npt.NDArray[np.bool_], b: npt.NDArray[np.bool_]) -> float:
    """Returns the p-value of McNemar's exact test: rows that only one model answers correctly, as a fair coin.

    McNemar 1947, "Note on the sampling error of the difference between correlated proportions"; the exact form is a
    sign test.

    Args:
        a: whether a model's answer to each row is correct, (n,).
        b: the same of the other model.
    """
    from scipy.stats import binomtest  # type: ignore[import-untyped]

    only_a, only_b = int(np.sum(a & ~b)), int(np.sum(b & ~a))
    return float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Returns p-values corrected for their number, in the same order.

    Holm 1979, "A simple sequentially rejective multiple test procedure": the smallest of m is multiplied by m, the next
    by m - 1, and so on; none becomes smaller than one before it, or larger than 1.
    """
    given: Floats = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(given, kind="stable")
    corrected = np.empty_like(given)
    corrected[order] = np.minimum(np.maximum.accumulate(given[order] * np.arange(len(given), 0, -1)), 1.0)
    return [float(p) for p in corrected]
