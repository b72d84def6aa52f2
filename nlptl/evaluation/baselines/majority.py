"""Labels: the commonest."""

from collections import Counter
from typing import ClassVar

from nlptl.core.records import Prediction
from nlptl.evaluation import kinds
from nlptl.evaluation.baseline import Known


class Majority:
    """The label, or the set of labels, that most training rows have; scores are the shares of the labels."""

    kinds: ClassVar[tuple[str, ...]] = ("class", "classes")

    def predict(self, known: Known) -> list[Prediction]:
        """Returns the predictions for `known.rows`."""
        shares = known.targets().mean(0)
        # Of labels that are equally common, the first in the label space; of sets, the first in the data.
        counts: Counter[str | tuple[str, ...]] = Counter(dict.fromkeys(known.labels.names, 0))
        counts.update(example.label for example in known.train)
        commonest = counts.most_common(1)[0][0]
        several = kinds.of(known.output).is_several
        return known.all_the_same(list(commonest) if several else commonest, shares.tolist())
