"""The records that flow between the rooms.

A source gives `Example`s; a task and a tokenizer turn them into `Features`; the engine draws `Batch`es; the model
computes logits; the task turns these into one `Prediction` per row; evaluation compares predictions with labels.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from nlptl.core import kinds
from nlptl.core.finite import to_json
from nlptl.core.kinds import Kind
from nlptl.core.plain import Decision, Span

if TYPE_CHECKING:
    import numpy as np
    import torch
    from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

    from nlptl.core.config import ModelConfig
    from nlptl.core.parts import Adaptable, Layered, Tokenizer
    from nlptl.core.terms import Terms

NON_COMMERCIAL = re.compile(r"(^|[^a-z])(nc|non-?commercial)([^a-z]|$)", re.IGNORECASE)
TINY = 1e-300  # keeps logarithms of probabilities finite
SPLITS = ("train", "validation", "test")


class Answer(NamedTuple):
    """A part of the context that answers the question."""

    text: str
    start: int
    """Index of the first character in the context; -1 if the context does not contain the answer."""


@dataclass(frozen=True, slots=True)
class Example:
    """One row of the user's data."""

    row_id: int
    """Position in the file, from 0; the prediction has the same row id."""
    text: str
    """The text; for question answering the question, for tagging the words joined by blanks."""
    text_pair: str | None = None
    """The second text of a pair; for question answering the context."""
    label: Any = None
    """The target, None if the data has none. class: a name; classes: a sorted tuple of names; number: a float; tags: a
    tuple with a BIO tag for each word; span: a tuple of `Answer`s, empty if there is none; text: the text."""
    words: tuple[tuple[int, int], ...] | None = None
    """For tagging: start and end of each word in the text, in characters."""


@dataclass(frozen=True)
class Column:
    """A column that a task reads; it is found by its name."""

    role: str
    """text, text_pair, label, question, context or answers: also the setting of `DataConfig` that names the column."""
    usual: tuple[str, ...]
    """Column names to look for, best first."""
    required: bool = True
    fills: Literal["text", "text_pair", "label"] | None = None
    """Field of `Example` that the column fills; None: the field named like the role."""
    kind: str = "text"
    """How values are read: as a kind of answers, see `Example.label`; or "words": a list, or a text split at blanks."""
    separator: str = ","
    """Separator of several labels in one string."""

    @property
    def field(self) -> str:
        """Field of `Example` that the column fills."""
        return self.fills or self.role


@dataclass(frozen=True)
class Corpus:
    """The splits of a data set, read and checked."""

    splits: dict[str, list[Example]]
    """Some of `SPLITS`; always train."""
    label_names: tuple[str, ...] | None
    """Labels in the order that the source declares; None if it declares none."""
    columns: dict[str, str]
    """Column name by role."""
    notes: tuple[str, ...]
    """Decisions to report to the user: "validation: 15 % of train"."""
    kept: Mapping[str, Mapping[str, Sequence[object]]] = field(default_factory=dict)
    """Further columns that were asked for, by split and name: the value of each row id."""


@dataclass(frozen=True)
class Finding:
    """One finding of the audit."""

    kind: str
    """empty_text, unseen_label, near_labels, cross_split_duplicate, conflicting_labels, truncation, class_balance,
    repair, lost_answers, lost_words, cut_targets."""
    message: str
    n: int
    """Number of rows concerned."""
    severity: str
    """"info" or "warning"; strict auditing stops at warnings."""
    details: Mapping[str, object] = field(default_factory=dict)
    """Further facts that depend on the kind, such as row ids by split or shares by class."""


@dataclass(frozen=True)
class LabelSpace:
    """The classes of a task, in the order of the logits; a single name if the answer is a number."""

    names: tuple[str, ...]
    values: tuple[float, ...] | None = None
    """The number of each label if labels are ordered (stars), ascending; else None."""
    mean: float = 0.0
    """Mean of the target numbers, in the user's unit; the model predicts (number - mean) / scale."""
    scale: float = 1.0
    """Standard deviation of the target numbers."""

    @property
    def ids(self) -> dict[str, int]:
        """The class id of each label, by name."""
        return {name: i for i, name in enumerate(self.names)}


@dataclass(frozen=True)
class Features:
    """Tokenized examples as flat arrays; an example may have several features."""

    input_ids: np.ndarray
    """int32 (n_tokens,): all features concatenated, without padding."""
    token_type_ids: np.ndarray | None
    """int8 (n_tokens,), for models that use them."""
    offsets: np.ndarray
    """int64 (n + 1,): feature i is input_ids[offsets[i]:offsets[i + 1]]."""
    example: np.ndarray
    """int64 (n,): index of each feature's example in its split."""
    labels: np.ndarray
    """Targets, by the kind of answers. class: int64 (n,), class ids, -1 if unknown; classes: float32 (n, classes),
    0 or 1; number: float32 (n,), in the model's unit; tags: int64 (n, longest), a class id at the first token of each
    word, -100 elsewhere; span: int64 (n, 2), first and last token of the answer within the feature, both 0 if it has
    none; text: int64 (n, longest), the target's tokens, then -100."""
    full_lengths: np.ndarray
    """int64 (examples,): tokens of each example before truncation."""
    spans: np.ndarray | None = None
    """int32 (n_tokens, 2), for tags and spans only: start and end of each token in the user's text (for question
    answering: in the context), in characters; -1 for other tokens."""
    terms: csr_matrix | None = None
    """Sparse float32 (n, terms): TF-IDF weights of each feature's whole text, if the head reads them."""

    def __len__(self) -> int:
        """Returns the number of features."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each feature, int64 (n,)."""
        lengths: np.ndarray = self.offsets[1:] - self.offsets[:-1]
        return lengths


@dataclass(frozen=True)
class Batch:
    """Features as flat tensors, shortest first; a model that cannot pack pads them itself."""

    input_ids: torch.Tensor
    """int64 (n_tokens,)"""
    token_type_ids: torch.Tensor | None
    """int64 (n_tokens,)"""
    lengths: torch.Tensor
    """int64 (n,), on the CPU"""
    longest: int
    """Tokens of the longest feature, or more."""
    boundaries: torch.Tensor
    """int32 (n + 1,): index of each feature's first token, then n_tokens."""
    positions: torch.Tensor
    """int64 (n_tokens,): 0, 1, 2, ... within each feature."""
    labels: torch.Tensor
    """(n, ...), as `Features.labels`"""
    rows: torch.Tensor
    """int64 (n,): the features' positions in their `Features`, on the CPU"""
    states: torch.Tensor | None = None
    """(n_tokens, hidden) or (n, hidden): outputs of the frozen prefix if they are cached."""
    terms: torch.Tensor | None = None
    """Sparse COO (n, terms), as `Features.terms`."""
    draws: torch.Tensor | None = None
    """int64 (n,), on the CPU: for each row of an update, the random number that determines its dropout."""


@dataclass(frozen=True)
class Prediction:
    """The answer for one row."""

    row_id: int
    prediction: Any
    """class: a name; classes: a list of names; number: a float; tags: a tag a word; span, text: a text, "" for none."""
    scores: dict[str, float]
    """Probability by label name; for spans by "answer" and "no_answer"."""
    spans: list[Span] | None = None
    """Entities in text order, or the likeliest answers, best first."""
    threshold: float | None = None
    """For spans: the `no_answer_margin` above which no answer is given; None if an answer is always given."""
    abstained: bool | None = None
    """For one label: whether its score is too low for an answer; None if the model never abstains."""

    @property
    def no_answer_margin(self) -> float:
        """log(p(no answer) / p(best answer)) of a span, to compare with `threshold`."""
        none, best = (max(self.scores[name], TINY) for name in ("no_answer", "answer"))
        return math.log(none) - math.log(best)

    def to_dict(self) -> dict[str, object]:
        """Returns the prediction as plain values; "abstained", "spans" and "no_answer" only if it has them."""
        decided = {"margin": self.no_answer_margin, "threshold": self.threshold} if self.threshold is not None else None
        optional = {"abstained": self.abstained, "no_answer": decided, "spans": self.spans}
        values = {"row_id": self.row_id, "prediction": self.prediction, "scores": self.scores}
        return values | {name: value for name, value in optional.items() if value is not None}

    def to_json(self) -> str:
        """Returns the prediction as one line of JSON."""
        return to_json(self.to_dict())


@dataclass(frozen=True)
class Interval:
    """A measured value with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Scores:
    """Evaluation of one split."""

    metrics: dict[str, Interval]
    per_class: dict[str, dict[str, float]]
    """precision, recall, f1 and support by label name."""
    confusion: list[list[int]]
    """Rows are labels, columns are predictions, in the order of the label space."""


@dataclass(frozen=True)
class ModelSource:
    """Exact origin of pretrained weights."""

    name: str
    """The name as the user gave it."""
    revision: str | None
    path: Path
    """Folder from which the weights were read."""
    sha256: str
    """Of model.safetensors, or of its shards' hashes."""
    reference: str
    """Name by which other programs can load the model: the Hub id, or the folder."""
    licence: str | None = None
    """Licence named in the model card."""

    @property
    def is_non_commercial(self) -> bool:
        """Whether the licence forbids commercial use, such as cc-by-nc-4.0."""
        return bool(self.licence and NON_COMMERCIAL.search(self.licence))


@dataclass
class Pretrained:
    """A pretrained model, ready for a method to edit and for the engine to train."""

    module: Adaptable
    """A `SequenceModel` (nlptl/models/sequence.py)."""
    tokenizer: Tokenizer
    family: Layered
    """Code for the architecture; one file under nlptl/models/families."""
    source: ModelSource
    head: frozenset[str]
    """Names of the parameters of `module.net` that the pretrained checkpoint does not have."""
    config: ModelConfig
    """Resolved settings: only revision and dropout may be None."""
    labels: LabelSpace
    output: str = "class"
    """Name of the kind of answers."""
    adapted: object = None
    """Wrapper that a method put around `module.net`, such as a PeftModel; needed for saving."""
    decision: Decision = field(default_factory=Decision)
    terms: Terms | None = None
    """What the head reads beside the encoder's vector; None if it reads nothing else."""
    limit: int | None = None
    """Most tokens that the model can read; None if there is no limit."""

    @property
    def kind(self) -> Kind:
        """The facts about the kind of answers."""
        return kinds.of(self.output)
