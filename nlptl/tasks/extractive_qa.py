"""Extractive question answering: the answer is a span of the context, or there is none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from nlptl.core.checks import at_least, check_types
from nlptl.core.errors import InputError
from nlptl.core.records import (
    Answer,
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
from nlptl.tasks.parts import answer_spans, tokens
from nlptl.tasks.parts.places import places

if TYPE_CHECKING:
    import numpy as np
    import torch

QUESTION = ("question", "query", "text", "sentence1")
CONTEXT = ("context", "passage", "paragraph", "document", "text_pair", "sentence2")
ANSWERS = ("answers", "answer", "answer_text", "label")


@dataclass(frozen=True)
class ExtractiveQA:
    """Finds the answer to a question in a context; contexts longer than model.max_length are split into windows."""

    overlap: int = 128
    """Tokens that neighbouring windows share; no window may hold all of an answer that is longer."""
    max_question: int = 64
    """Most tokens of a question; a longer one is truncated."""
    max_answer: int = 30
    """Most tokens of a predicted answer."""
    n_best: int = 5
    """Number of answers in a prediction, best first."""

    columns: ClassVar[tuple[Column, ...]] = (
        Column("question", QUESTION, fills="text"),
        Column("context", CONTEXT, fills="text_pair"),
        Column("answers", ANSWERS, fills="label", kind="span"),
    )
    output: ClassVar[str] = "span"
    sample: ClassVar[str] = "passages"
    metric: ClassVar[str] = "f1"
    max_length: ClassVar[int] = 384

    def __post_init__(self) -> None:
        """Checks types and ranges."""
        check_types("task", self)
        at_least("task.overlap", self.overlap, 0)
        for name in ("max_question", "max_answer", "n_best"):
            at_least(f"task.{name}", getattr(self, name), 1)

    def label_space(self, examples: Sequence[Example], declared: Sequence[str] | None) -> LabelSpace:
        """Returns the names of the two logits of a token: the answer starts there, the answer ends there."""
        return LabelSpace(("start", "end"))

    def encode(self, examples: Sequence[Example], pretrained: Pretrained) -> Features:
        """Returns the windows of examples, labelled with the first and last token of the answer, int64 (n, 2).

        Both are 0, the first token, if a window does not hold the whole answer.
        """
        import numpy as np

        asked = self._short_questions(examples, pretrained)
        pieces = tokens.windows(asked, pretrained, min(self.overlap, self._room(pretrained)), pairs=True)
        labels = [_place(examples[i].label, spans) for i, spans in zip(pieces.example, pieces.spans, strict=True)]
        return pieces.features(np.array(labels, np.int64).reshape(-1, 2))

    def findings(self, features: Mapping[str, Features], corpus: Corpus, pretrained: Pretrained) -> list[Finding]:
        """Returns a finding on answers that no window holds completely; they cannot be learned."""
        import numpy as np

        train, examples = features["train"], corpus.splits["train"]
        reached = np.zeros(len(examples), bool)
        np.logical_or.at(reached, train.example, train.labels[:, 1] > 0)
        lost = [e.row_id for e, ok in zip(examples, reached, strict=True) if not ok and _known(e.label)]
        if not lost:
            return []
        message = (
            f"{len(lost)} train rows have an answer that no window holds completely, so they count as unanswerable: "
            f"rows {', '.join(map(str, lost[:5]))}; a higher --model.max_length or --task.overlap keeps more"
        )
        return [Finding("lost_answers", message, len(lost), "warning", {"row_ids": {"train": lost}})]

    def losses(self, logits: "torch.Tensor", batch: Batch, *, smoothing: float, likelihood: bool) -> "torch.Tensor":
        """Returns the mean cross-entropy of start and end over the tokens of each feature, (n,).

        Args:
            logits: (n_tokens, 2).
            batch: its labels are int64 (n, 2).
            smoothing: share of the target spread over all tokens of the feature.
            likelihood: not used.
        """
        import torch

        mask = places(batch, logits.device)
        scores = torch.full((*mask.shape, 2), -torch.inf, device=logits.device)
        scores[mask] = logits.float()
        log_probs = scores.log_softmax(1)  # (n, longest, 2)
        target = -log_probs.gather(1, batch.labels[:, None]).mean((1, 2))
        if smoothing == 0:
            return target
        spread = -log_probs.masked_fill(~mask[:, :, None], 0).sum((1, 2)) / (2 * mask.sum(1))
        return (1 - smoothing) * target + smoothing * spread

    def weights(self, features: Features, labels: LabelSpace, class_weights: str) -> "np.ndarray":
        """Returns the weight of each feature in the loss, float64 (n,): all windows weigh the same.

        Raises:
            InputError: balanced weights or sampling are requested, but answers are not classes.
        """
        import numpy as np

        if class_weights != "none":
            raise InputError(
                "answers have no classes to balance: set train.class_weights none, train.sampling shuffled"
            )
        return np.ones(len(features))

    def decode(
        self, outputs: "np.ndarray", features: Features, examples: Sequence[Example], pretrained: Pretrained
    ) -> list[Prediction]:
        """Returns the likeliest answer to each question, in the examples' order, from logits (n_tokens, 2)."""
        windows = answer_spans.by_example(features, len(examples))
        limits = answer_spans.Limits(self.max_answer, self.n_best)
        threshold = pretrained.decision.get("no_answer")
        return [
            answer_spans.prediction(e, answer_spans.found(outputs, features, rows, limits), str(e.text_pair), threshold)
            for e, rows in zip(examples, windows, strict=True)
        ]

    def _room(self, pretrained: Pretrained) -> int:
        """Returns the largest overlap with which windows still advance, for a question of any length."""
        length = int(pretrained.config.max_length or 0)
        n_special = pretrained.tokenizer.num_special_tokens_to_add(pair=True)
        room = length - n_special - self._question_tokens(pretrained) - 1
        if room < 1:
            raise InputError(f"model.max_length {length} leaves no room for a context: set it to 32 or more")
        return int(room) // 2 if room > 1 else 0

    def _question_tokens(self, pretrained: Pretrained) -> int:
        return min(self.max_question, int(pretrained.config.max_length or 0) // 2)

    def _short_questions(self, examples: Sequence[Example], pretrained: Pretrained) -> list[Example]:
        most = self._question_tokens(pretrained)
        questions = [e.text for e in examples]
        if not questions:
            return []
        encoded = pretrained.tokenizer(questions, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        ends = [offsets[most - 1][1] if len(offsets) > most else None for offsets in encoded["offset_mapping"]]
        return [replace(e, text=e.text[:end]) for e, end in zip(examples, ends, strict=True)]


def _known(answers: Sequence[Answer] | None) -> list[Answer]:
    return [answer for answer in answers or () if answer.start >= 0]


def _place(answers: Sequence[Answer] | None, spans: "np.ndarray") -> tuple[int, int]:
    """Returns the first and last token of the answer in a window; (0, 0) if the window does not hold all of it."""
    import numpy as np

    known = _known(answers)
    if not known:
        return 0, 0
    text = known[0].text
    start = known[0].start + len(text) - len(text.lstrip())  # tokens do not cover the blanks around an answer
    end = known[0].start + len(text.rstrip())
    inside = np.flatnonzero((spans[:, 0] >= 0) & (spans[:, 1] > start) & (spans[:, 0] < end))
    if not len(inside) or spans[inside[0], 0] > start or spans[inside[-1], 1] < end:
        return 0, 0
    return int(inside[0]), int(inside[-1])
