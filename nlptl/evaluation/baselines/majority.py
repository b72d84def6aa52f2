"""Labels: the most frequent one."""

from collections import Counter
from typing import ClassVar

from nlptl.core.records import Prediction
from nlptl.evaluation import kinds
from nlptl.evaluation.baseline import Known


class Majority:
    """The most frequent label, or set of labels, in training; scores are the labels' shares of the training rows."""

    kinds: ClassVar[tuple[str, ...]] = ("class", "classes")

    def predict(self, known: Known) -> list[Prediction]:
        """Returns one prediction per row of `known.rows`."""
        shares = known.targets().mean(0)
        # Ties: the first label in the label space, or the first set in the data.
        counts: Counter[str | tuple[str, ...]] = Counter(dict.fromkeys(known.labels.names, 0))
        counts.update(example.label for example in known.train)
        commonest = counts.most_common(1)[0][0]
        several = kinds.of(known.output).is_several
        return known.all_the_same(list(commonest) if several else commonest, shares.tolist())
