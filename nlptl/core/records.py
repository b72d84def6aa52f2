"""The records that flow between the rooms.

A row's way: a source gives `Example`s, a task and a tokenizer make `Features` of them, the engine draws `Batch`es, the
model answers with logits, the task turns these into one `Prediction` a row, evaluation compares with the labels.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
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

    from nlptl.core.config import ModelConfig
    from nlptl.core.parts import Adaptable, Layered, Tokenizer

NON_COMMERCIAL = re.compile(r"(^|[^a-z])(nc|non-?commercial)([^a-z]|$)", re.IGNORECASE)
TINY = 1e-300  # keeps logarithms of probabilities finite
SPLITS = ("train", "validation", "test")


class Answer(NamedTuple):
    """A piece of the context that answers the question."""

    text: str
    start: int
    """Its first character in the context; -1 where the context does not hold it."""


@dataclass(frozen=True, slots=True)
class Example:
    """One row of the user's data."""

    row_id: int
    """Position in the file, from 0; predictions carry it back."""
    text: str
    """The text; of question answering the question, of tagging the words with a blank between them."""
    text_pair: str | None = None
    """The second text of a pair; of question answering the context."""
    label: Any = None
    """What is right, None where the data does not say; by the kind of output: class: its name; classes: a tuple of
    names, ascending; number: a float; tags: a tuple with a BIO tag for each word; span: a tuple of `Answer`s, empty
    where the context has none; text: the text."""
    words: tuple[tuple[int, int], ...] | None = None
    """Of tagging: first character and end of each word in the text."""


@dataclass(frozen=True)
class Column:
    """A column that a task reads, found by name."""

    role: str
    """text, text_pair, label, question, context or answers: `DataConfig` has a field of that name to give the column
    by hand."""
    usual: tuple[str, ...]
    """Names looked for, best first."""
    required: bool = True
    fills: Literal["text", "text_pair", "label"] | None = None
    """Field of `Example` that it fills; None: the one that is named as the role."""
    kind: str = "text"
    """How its values are read: as an answer of this kind (nlptl/core/kinds.py), as `Example.label` describes; or
    words: a list of words, or a text with blanks."""
    separator: str = ","
    """What stands between several labels in one string."""

    @property
    def field(self) -> str:
        """Field of `Example` that it fills."""
        return self.fills or self.role


@dataclass(frozen=True)
class Corpus:
    """The splits of a data set, read and checked."""

    splits: dict[str, list[Example]]
    """Some of `SPLITS`; always train."""
    label_names: tuple[str, ...] | None
    """Labels in the order that the source declares; None where it declares none."""
    columns: dict[str, str]
    """The column found for each role."""
    notes: tuple[str, ...]
    """What was decided for the user, to be told: "validation: 15 % of train"."""


@dataclass(frozen=True)
class Finding:
    """One thing the audit found."""

    kind: str
    """empty_text, unseen_label, near_labels, cross_split_duplicate, conflicting_labels, truncation, class_balance,
    repair, lost_answers, lost_words, cut_targets."""
    message: str
    n: int
    """How many rows it concerns."""
    severity: str
    """"info" or "warning"; strict auditing stops at warnings."""
    details: Mapping[str, object] = field(default_factory=dict)
    """Row ids by split, shares by class: whatever the kind needs."""


@dataclass(frozen=True)
class LabelSpace:
    """The classes of a task, in the order of the logits; a single name where the answer is a number."""

    names: tuple[str, ...]
    values: tuple[float, ...] | None = None
    """The number behind each label where labels are ordered (stars), ascending; else None."""
    mean: float = 0.0
    """Of the numbers to predict, in the user's unit; the model's unit is (number - mean) / scale."""
    scale: float = 1.0
    """Standard deviation of the numbers to predict."""

    @property
    def ids(self) -> dict[str, int]:
        """The class id of each label, by name."""
        return {name: i for i, name in enumerate(self.names)}


@dataclass(frozen=True)
class Features:
    """Tokenized examples as flat arrays; an example may have several features."""

    input_ids: np.ndarray
    """int32 (n_tokens,): all features one after the other, without padding."""
    token_type_ids: np.ndarray | None
    """int8 (n_tokens,), for models that use them."""
    offsets: np.ndarray
    """int64 (n + 1,): feature i is input_ids[offsets[i]:offsets[i + 1]]."""
    example: np.ndarray
    """int64 (n,): index of each feature's example in its split."""
    labels: np.ndarray
    """What is right, by the kind of output. class: int64 (n,), class ids, -1 where unknown; classes: float32
    (n, classes), 0 or 1; number: float32 (n,), in the model's unit; tags: int64 (n, longest), a class id at the first
    token of each word, -100 elsewhere; span: int64 (n, 2), first and last token of the answer within the feature, both
    0 where it has none; text: int64 (n, longest), the target's tokens, -100 behind."""
    full_lengths: np.ndarray
    """int64 (examples,): tokens of each example before anything was cut."""
    spans: np.ndarray | None = None
    """int32 (n_tokens, 2): first character and end of each token in the user's text (of question answering: in the
    context), -1 for other tokens; for tags and spans."""

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
    """Some features as flat tensors, shortest first; only a model that cannot pack ever pads them."""

    input_ids: torch.Tensor
    """int64 (n_tokens,)"""
    token_type_ids: torch.Tensor | None
    """int64 (n_tokens,)"""
    lengths: torch.Tensor
    """int64 (n,), on the CPU"""
    longest: int
    """Tokens of the longest feature, or more."""
    boundaries: torch.Tensor
    """int32 (n + 1,): where each feature begins among the tokens, and the end."""
    positions: torch.Tensor
    """int64 (n_tokens,): 0, 1, 2, ... within each feature."""
    labels: torch.Tensor
    """(n, ...), as `Features.labels`"""
    rows: torch.Tensor
    """int64 (n,): the features' positions in their `Features`, on the CPU"""
    states: torch.Tensor | None = None
    """(n_tokens, hidden) or (n, hidden): outputs of the frozen prefix, where these are cached."""
    draws: torch.Tensor | None = None
    """int64 (n,), on the CPU: a random number for each row of an update, from which its dropout follows."""


@dataclass(frozen=True)
class Prediction:
    """The answer for one row."""

    row_id: int
    prediction: Any
    """class: a name; classes: a list of names; number: a float; tags: a tag for each word; span and text: a text,
    empty where there is no answer."""
    scores: dict[str, float]
    """Probability by label name; of spans, of the answer and of "no_answer"."""
    spans: list[Span] | None = None
    """Entities in their order, or the likeliest answers, best first."""
    threshold: float | None = None
    """Of spans: the `no_answer_margin` above which no answer is given; None if an answer is always given."""

    @property
    def no_answer_margin(self) -> float:
        """log(p(no answer) / p(best answer)) of a span, which the threshold for giving no answer is compared with."""
        none, best = (max(self.scores[name], TINY) for name in ("no_answer", "answer"))
        return math.log(none) - math.log(best)

    def to_dict(self) -> dict[str, object]:
        """Returns the prediction as plain values; spans, and what decides on no answer, only if there are such."""
        decided = {"margin": self.no_answer_margin, "threshold": self.threshold} if self.threshold is not None else None
        some = {"no_answer": decided, "spans": self.spans}
        values = {"row_id": self.row_id, "prediction": self.prediction, "scores": self.scores}
        return values | {name: value for name, value in some.items() if value is not None}

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
    """What evaluation says of one split."""

    metrics: dict[str, Interval]
    per_class: dict[str, dict[str, float]]
    """precision, recall, f1 and support by label name."""
    confusion: list[list[int]]
    """Rows are the labels, columns the predictions, in the order of the label space."""


@dataclass(frozen=True)
class ModelSource:
    """Where pretrained weights came from, exactly."""

    name: str
    """As the user gave it."""
    revision: str | None
    path: Path
    """The folder they were read from."""
    sha256: str
    """Of model.safetensors, or of its shards' hashes."""
    reference: str
    """What other programs can load it by: the Hub id, or the folder."""
    licence: str | None = None
    """As its model card names it."""

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
    """How the architecture is run; one file under nlptl/models/families."""
    source: ModelSource
    head: frozenset[str]
    """Names of the parameters of `module.net` that the pretrained checkpoint does not have."""
    config: ModelConfig
    """Resolved: nothing is None but revision and dropout."""
    labels: LabelSpace
    output: str = "class"
    """The kind of its answers, by name."""
    adapted: object = None
    """What a method put around `module.net`, such as a PeftModel, for saving."""
    decision: Decision = field(default_factory=Decision)

    @property
    def kind(self) -> Kind:
        """What follows from the kind of its answers."""
        return kinds.of(self.output)


class SubLayers(NamedTuple):
    """Where a family keeps its layers and, inside a layer, the two sub-layers: regular expressions on module names."""

    stack: str
    """The list of layers, as in `encoder.layer.3`."""
    attention: str
    feed_forward: str
