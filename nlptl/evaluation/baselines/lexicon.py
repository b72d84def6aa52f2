"""Tags: a lexicon of the training words."""

from collections import Counter, defaultdict
from typing import ClassVar

from nlptl.core import bio
from nlptl.core.records import Example, Prediction
from nlptl.evaluation.baseline import Known


class Lexicon:
    """The most frequent training tag of each word, O for unknown words."""

    kinds: ClassVar[tuple[str, ...]] = ("tags",)

    def predict(self, known: Known) -> list[Prediction]:
        """Returns one prediction per row of `known.rows`."""
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for example in known.train:
            for word, tag in zip(_words(example), example.label, strict=True):
                counts[word][tag] += 1
        lexicon = {word: count.most_common(1)[0][0] for word, count in counts.items()}
        tags = [bio.as_bio([lexicon.get(word, bio.OUTSIDE) for word in _words(example)]) for example in known.rows]
        return known.predictions(tags)


def _words(example: Example) -> list[str]:
    return [example.text[start:end] for start, end in example.words or ()]
