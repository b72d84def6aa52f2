"""Text to text: the model generates the answer, as in summarization, translation and question answering."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from nlptl.core.checks import check_types
from nlptl.core.errors import InputError
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

if TYPE_CHECKING:
    import numpy as np
    import torch

TEXT = ("text", "source", "input", "document", "article", "question", "dialogue", "en")
PAIR = ("text_pair", "context")
TARGET = ("target", "summary", "output", "answer", "answers", "highlights", "translation", "headline", "label", "de")
UNKNOWN = -100


@dataclass(frozen=True)
class Text2Text:
    """A generated answer to a text, by T5 or BART; for questions, the context is the second text."""

    prefix: str = ""
    """Put before each text, such as "summarize: " for the original T5."""

    columns: ClassVar[tuple[Column, ...]] = (
        Column("text", TEXT),
        Column("text_pair", PAIR, required=False),
        Column("label", TARGET, kind="text"),
    )
    output: ClassVar[str] = "text"
    sample: ClassVar[str] = "headlines"
    metric: ClassVar[str] = "rougeL"
    max_length: ClassVar[int] = 512

    def __post_init__(self) -> None:
        """Checks types."""
        check_types("task", self)

    def label_space(self, examples: Sequence[Example], declared: Sequence[str] | None) -> LabelSpace:
        """Returns an empty label space, because answers are free text."""
        return LabelSpace(())

    def encode(self, examples: Sequence[Example], pretrained: Pretrained) -> Features:
        """Returns the tokens of examples and of their targets, int64 (n, longest target), padded with -100."""
        from dataclasses import replace

        import numpy as np

        asked = [replace(e, text=self.prefix + e.text) for e in examples]
        pieces = tokens.read(asked, pretrained, "truncate", 0)
        targets = _targets(examples, pretrained) if examples else []
        labels = np.full((len(examples), max(map(len, targets), default=1)), UNKNOWN, np.int64)
        for row, ids in zip(labels, targets, strict=True):
            row[: len(ids)] = ids
        return pieces.features(labels)

    def findings(self, features: Mapping[str, Features], corpus: Corpus, pretrained: Pretrained) -> list[Finding]:
        """Returns a finding on truncated training targets, whose end is not learned."""
        import numpy as np

        most, labels = pretrained.config.max_written, features["train"].labels
        ends = labels[:, most - 1] if labels.shape[1] == most else np.full(len(labels), UNKNOWN)
        rows = np.flatnonzero((ends != UNKNOWN) & (ends != pretrained.tokenizer.eos_token_id)).tolist()
        if not rows:
            return []
        ids = [corpus.splits["train"][row].row_id for row in rows]
        message = (
            f"{len(ids)} train rows have a target of more than {most} tokens, which is cut: rows "
            f"{', '.join(map(str, ids[:5]))}; a higher --model.max_written keeps more"
        )
        return [Finding("cut_targets", message, len(ids), "warning", {"row_ids": {"train": ids}})]

    def losses(self, logits: "torch.Tensor", batch: Batch, *, smoothing: float, likelihood: bool) -> "torch.Tensor":
        """Returns the mean cross-entropy of each target's tokens, (n,), from logits (n, longest, vocabulary)."""
        from torch.nn import functional

        targets = batch.labels[:, : logits.shape[1]]
        each = functional.cross_entropy(
            logits.float().transpose(1, 2), targets, ignore_index=UNKNOWN, label_smoothing=smoothing, reduction="none"
        )
        return each.sum(1) / (targets != UNKNOWN).sum(1).clamp(min=1)

    def weights(self, features: Features, labels: LabelSpace, class_weights: str) -> "np.ndarray":
        """Returns the weight of each feature in the loss, float64 (n,): the number of target tokens.

        Raises:
            InputError: balanced weights or sampling are requested, but texts are not classes.
        """
        import numpy as np

        if class_weights != "none":
            raise InputError("texts have no classes to balance: set train.class_weights none, train.sampling shuffled")
        return np.asarray((features.labels != UNKNOWN).sum(1), np.float64)

    def decode(
        self, outputs: "np.ndarray", features: Features, examples: Sequence[Example], pretrained: Pretrained
    ) -> list[Prediction]:
        """Returns the texts for generated tokens, int64 (n, longest), in the examples' order."""
        texts = pretrained.tokenizer.batch_decode(outputs, skip_special_tokens=True)
        return [Prediction(e.row_id, text.strip(), {}) for e, text in zip(examples, texts, strict=True)]


def _targets(examples: Sequence[Example], pretrained: Pretrained) -> list[list[int]]:
    texts = ["" if e.label is None else str(e.label) for e in examples]
    ids: list[list[int]] = pretrained.tokenizer(text_target=texts, truncation=False, verbose=False)["input_ids"]
    return [row[: pretrained.config.max_written] for row in ids]
