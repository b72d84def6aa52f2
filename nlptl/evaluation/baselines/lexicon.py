"""Tags: a lexicon."""

from collections import Counter, defaultdict
from typing import ClassVar

from nlptl.core import bio
from nlptl.core.records import Example, Prediction
from nlptl.evaluation.baseline import Known


class Lexicon:
    """Each word's commonest tag in training, O for unknown words."""

    kinds: ClassVar[tuple[str, ...]] = ("tags",)

    def predict(self, known: Known) -> list[Prediction]:
        """Returns the predictions for `known.rows`."""
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for example in known.train:
            for word, tag in zip(_words(example), example.label, strict=True):
                counts[word][tag] += 1
        lexicon = {word: tags.most_common(1)[0][0] for word, tags in counts.items()}
        found = [bio.as_bio([lexicon.get(word, bio.OUTSIDE) for word in _words(example)]) for example in known.rows]
        return known.predictions(found)


def _words(example: Example) -> list[str]:
    return [example.text[start:end] for start, end in example.words or ()]
