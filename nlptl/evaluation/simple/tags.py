"""Of tags: a lexicon."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from nlptl.core.records import Example, LabelSpace

OUTSIDE = "O"


def predict(
    train: Sequence[Example], rows: Sequence[Example], labels: LabelSpace, seed: int
) -> dict[str, list[list[str]]]:
    """Returns the predicted tags for `rows`: "lexicon", each word's commonest tag in training, O for unknown words.

    An inside tag that continues no entity of its type becomes a beginning.

    Args:
        train: labelled examples.
        rows: examples to predict.
        labels: not used.
        seed: not used.
    """
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for example in train:
        for word, tag in zip(_words(example), example.label, strict=True):
            counts[word][tag] += 1
    lexicon = {word: tags.most_common(1)[0][0] for word, tags in counts.items()}
    return {"lexicon": [_begun([lexicon.get(word, OUTSIDE) for word in _words(example)]) for example in rows]}


def _words(example: Example) -> list[str]:
    return [example.text[start:end] for start, end in example.words or ()]


def _begun(tags: list[str]) -> list[str]:
    before = [OUTSIDE, *tags]
    return [
        f"B-{tag[2:]}" if tag.startswith("I-") and tag[2:] != last[2:] else tag
        for last, tag in zip(before, tags, strict=False)
    ]
