"""Token classification: a BIO tag for each word, and the entities that the tags mark."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from nlptl.core.bio import OUTSIDE, as_bio, entities, tags_of, types_in
from nlptl.core.checks import at_least, check_types
from nlptl.core.plain import Span
from nlptl.core.records import (
    Batch,
    Column,
    Corpus,
    Example,
    Features,
    Finding,
    LabelSpace,
    Prediction,
    Pretrained,
)
from nlptl.tasks.parts import tokens
from nlptl.tasks.parts.places import places

if TYPE_CHECKING:
    import numpy as np
    import torch

WORDS = ("tokens", "words", "text", "sentence")
TAGS = ("ner_tags", "tags", "labels", "entities", "spans", "label", "chunk_tags")
UNKNOWN = -100


@dataclass(frozen=True)
class TokenClassification:
    """A tag for each word, such as for named entities; texts longer than model.max_length are split into windows."""

    overlap: int = 64
    """Tokens that neighbouring windows share; at most half a window."""

    columns: ClassVar[tuple[Column, ...]] = (Column("text", WORDS, kind="words"), Column("label", TAGS, kind="tags"))
    output: ClassVar[str] = "tags"
    sample: ClassVar[str] = "notices"
    metric: ClassVar[str] = "entity_f1"
    max_length: ClassVar[int] = 256

    def __post_init__(self) -> None:
        """Checks types and ranges."""
        check_types("task", self)
        at_least("task.overlap", self.overlap, 0)

    def label_space(self, examples: Sequence[Example], declared: Sequence[str] | None) -> LabelSpace:
        """Returns the tags: O, then B-x and I-x for each entity type x in the training examples, sorted.

        Args:
            examples: the training examples, with BIO tags.
            declared: not used.
        """
        return LabelSpace(tags_of(types_in(tag for e in examples for tag in e.label)))

    def encode(self, examples: Sequence[Example], pretrained: Pretrained) -> Features:
        """Returns the tokens of examples; the first token of each word has the word's tag, int64 (n, longest)."""
        import numpy as np

        pieces = tokens.windows(examples, pretrained, self.overlap, pairs=False)
        ids = pretrained.labels.ids
        longest = max(map(len, pieces.ids), default=0)
        labels = np.full((len(pieces.ids), longest), UNKNOWN, np.int64)
        for row, (example, spans) in enumerate(zip(pieces.example, pieces.spans, strict=True)):
            tags = examples[example].label
            if tags is None:
                continue
            for word, token in _first_tokens(examples[example], spans):
                labels[row, token] = ids.get(tags[word], UNKNOWN)
        return pieces.features(labels)

    def findings(self, features: Mapping[str, Features], corpus: Corpus, pretrained: Pretrained) -> list[Finding]:
        """Returns findings on words without a token, such as control characters, whose tags cannot be learned."""
        findings = []
        for split, part in features.items():
            examples = corpus.splits[split]
            seen: list[set[int]] = [set() for _ in examples]
            for i, example in enumerate(part.example):
                spans = part.spans[part.offsets[i] : part.offsets[i + 1]]  # type: ignore[index]
                seen[example] |= {word for word, _ in _first_tokens(examples[example], spans)}
            rows = [e.row_id for e, words in zip(examples, seen, strict=True) if len(words) < len(e.words or ())]
            if rows:
                message = f"{len(rows)} {split} rows have words without a token, which are tagged {OUTSIDE!r}"
                findings.append(Finding("lost_words", message, len(rows), "warning", {"row_ids": {split: rows}}))
        return findings

    def losses(self, logits: "torch.Tensor", batch: Batch, *, smoothing: float, likelihood: bool) -> "torch.Tensor":
        """Returns the mean cross-entropy of each feature's tagged tokens, (n,), from logits (n_tokens, classes)."""
        from torch.nn import functional

        mask = places(batch, logits.device)
        labels = batch.labels[:, : mask.shape[1]]
        each = logits.new_zeros(mask.shape, dtype=logits.float().dtype)
        each[mask] = functional.cross_entropy(
            logits.float(), labels[mask], ignore_index=UNKNOWN, label_smoothing=smoothing, reduction="none"
        )
        return each.sum(1) / (labels != UNKNOWN).sum(1).clamp(min=1)

    def weights(self, features: Features, labels: LabelSpace, class_weights: str) -> "np.ndarray":
        """Returns the weight of each feature in the loss, float64 (n,): the number of tagged tokens.

        If balanced, times the inverse frequency of the rarest tag in the feature.
        """
        import numpy as np

        known = features.labels != UNKNOWN
        n_tagged = np.asarray(known.sum(1), np.float64)
        if class_weights == "none":
            return n_tagged
        counts = np.bincount(features.labels[known], minlength=len(labels.names))
        rarest = np.where(known, counts[features.labels.clip(0)], counts.max()).min(1)
        return np.asarray(n_tagged * counts.max() / np.maximum(rarest, 1))

    def decode(
        self, outputs: "np.ndarray", features: Features, examples: Sequence[Example], pretrained: Pretrained
    ) -> list[Prediction]:
        """Returns each example's tags and entities, in the examples' order, from logits (n_tokens, classes)."""
        from nlptl.core.probabilities import softmax

        names, probabilities = pretrained.labels.names, softmax(outputs)
        rows: list[dict[int, tuple[int, np.ndarray]]] = [{} for _ in examples]
        for i, example in enumerate(features.example):
            first, last = features.offsets[i], features.offsets[i + 1]
            spans = features.spans[first:last]  # type: ignore[index]
            for word, token in _first_tokens(examples[example], spans):
                context = min(token, last - first - token)  # the window with most context around the word decides
                if context > rows[example].get(word, (-1, None))[0]:
                    rows[example][word] = (context, probabilities[first + token])
        return [
            _prediction(e, {w: p for w, (_, p) in row.items()}, names) for e, row in zip(examples, rows, strict=True)
        ]


def _first_tokens(example: Example, spans: "np.ndarray") -> Iterator[tuple[int, int]]:
    """Yields each word that begins in a feature, with its first token; two words may share a token."""
    import numpy as np

    words = np.array(example.words or (), np.int32).reshape(-1, 2)
    in_text = np.flatnonzero(spans[:, 1] > spans[:, 0])  # without special tokens and blanks
    if not len(in_text) or not len(words):
        return
    tokens = spans[in_text]
    after = np.searchsorted(tokens[:, 1], words[:, 0], side="right")  # first token that ends after the word's start
    for word, place in enumerate(after):
        if place < len(in_text) and tokens[place, 0] < words[word, 1] and words[word, 0] >= tokens[0, 0]:
            yield word, int(in_text[place])


def _prediction(example: Example, by_word: "Mapping[int, np.ndarray]", names: Sequence[str]) -> Prediction:
    words = example.words or ()
    best = {word: int(p.argmax()) for word, p in by_word.items()}
    tags = as_bio(names[best[word]] if word in best else OUTSIDE for word in range(len(words)))
    return Prediction(example.row_id, tags, {}, list(_spans(example, tags, by_word)))


def _spans(example: Example, tags: Sequence[str], by_word: "Mapping[int, np.ndarray]") -> Iterator[Span]:
    words = example.words or ()
    for entity in entities(tags):
        start, end = words[entity.first][0], words[entity.last][1]
        # A word without a token is tagged O, so each word of an entity has a probability.
        scores = [float(by_word[word].max()) for word in range(entity.first, entity.last + 1)]
        yield {
            "text": example.text[start:end],
            "start": start,
            "end": end,
            "label": entity.label,
            "score": sum(scores) / len(scores),
        }
