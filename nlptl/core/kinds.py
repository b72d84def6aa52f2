"""The kinds of answers: one label, several labels, a number, tags, a span, a text.

A task names the kind of its answers in `output`. The facts about a kind are one record here. The code of a room for a
kind is one file in that room, such as nlptl/data/kinds/tags.py; `part` finds it by name. No other code branches on the
kind: to add one, add a record here and a file in each room that handles it.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from keyword import iskeyword
from types import ModuleType
from typing import Literal

from nlptl.core.errors import InputError, nearest

Head = Literal["SequenceClassification", "TokenClassification", "QuestionAnswering", "Seq2SeqLM"]
"""Heads of transformers: the end of a class name, as in AutoModelForTokenClassification."""
WRITER: Head = "Seq2SeqLM"
"""The head of models that generate text."""


@dataclass(frozen=True)
class Kind:
    """The facts about a kind of answers."""

    name: str
    """The name that a task's `output` gives."""
    answer: str
    """Description of one answer, for messages."""
    each: Literal["row", "token", "text"]
    """What one output of the head belongs to: a row, an input token, or a token of the generated text."""
    head: Head
    """The head of transformers for this kind."""
    peft_type: str
    """PEFT's name for tasks of this kind."""
    pipeline: str
    """The Hub's name of the task ("pipeline_tag")."""
    problem_type: str | None = None
    """`problem_type` in the configuration of transformers, which selects the loss; None if its head has only one."""
    names: Literal["labels", "entity types"] | None = None
    """What the names in an answer are; None if answers hold no names."""
    one_name: bool = False
    """Whether an answer is exactly one name."""
    unit: Literal["rows", "entities"] = "rows"
    """What the count of a name counts."""
    smooths: bool = True
    """Whether the loss supports label smoothing."""
    compares: bool = True
    """Whether the logits are distributions over answers, so that two passes can be compared (train.r_drop)."""
    linear: bool = True
    """Whether a probe can solve for a linear head over frozen vectors."""

    @property
    def auto_class(self) -> str:
        """Name of the transformers class that loads a model with this head."""
        return auto_class(self.head)

    @property
    def by_row(self) -> bool:
        """Whether the head reads one vector per row."""
        return self.each == "row"

    @property
    def by_token(self) -> bool:
        """Whether the head reads one vector per token."""
        return self.each == "token"

    @property
    def is_written(self) -> bool:
        """Whether the model generates the answer as text."""
        return self.each == "text"

    @property
    def file(self) -> str:
        """Name of the kind's file in a room; an underscore follows a word that Python reserves (class_.py)."""
        return f"{self.name}_" if iskeyword(self.name) else self.name


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "class",
            "one label",
            "row",
            "SequenceClassification",
            "SEQ_CLS",
            "text-classification",
            problem_type="single_label_classification",
            names="labels",
            one_name=True,
        ),
        Kind(
            "classes",
            "several labels, or none",
            "row",
            "SequenceClassification",
            "SEQ_CLS",
            "text-classification",
            problem_type="multi_label_classification",
            names="labels",
        ),
        Kind(
            "number",
            "a number",
            "row",
            "SequenceClassification",
            "SEQ_CLS",
            "text-classification",
            problem_type="regression",
            smooths=False,
            compares=False,
        ),
        Kind(
            "tags",
            "a BIO tag for each word",
            "token",
            "TokenClassification",
            "TOKEN_CLS",
            "token-classification",
            names="entity types",
            unit="entities",
        ),
        Kind(
            "span",
            "a piece of the context, or none",
            "token",
            "QuestionAnswering",
            "QUESTION_ANS",
            "question-answering",
            linear=False,
        ),
        Kind("text", "a new text", "text", "Seq2SeqLM", "SEQ_2_SEQ_LM", "text2text-generation", linear=False),
    )
}
"""Every kind, by name."""


def auto_class(head: Head) -> str:
    """Returns the name of the transformers class that loads a model with a head."""
    return f"AutoModelFor{head}"


def of(output: str) -> Kind:
    """Returns the record of a kind.

    Args:
        output: the kind's name, such as a task's `output`.

    Raises:
        InputError: there is no such kind.
    """
    if output not in KINDS:
        raise InputError(f"unknown kind of answers {output!r}{nearest(output, KINDS)}; known: {', '.join(KINDS)}")
    return KINDS[output]


def having(fact: Callable[[Kind], object]) -> tuple[str, ...]:
    """Returns the names of the kinds for which `fact` is true, as in `having(lambda kind: kind.by_row)`."""
    return tuple(name for name, kind in KINDS.items() if fact(kind))


@cache
def part(package: str, output: str) -> ModuleType:
    """Returns a room's module for a kind.

    Args:
        package: the room's folder of kinds, such as "nlptl.data.kinds".
        output: the kind's name.

    Raises:
        InputError: there is no such kind.
    """
    return importlib.import_module(f"{package}.{of(output).file}")
