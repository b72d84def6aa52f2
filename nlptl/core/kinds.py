"""The kinds of answers, and what follows from each.

A task names the kind of its answers in `output`. What follows from the kind stands here, in one record. What a room
does with it stands in the room's own file for the kind, such as nlptl/data/kinds/tags.py; `part` finds it by name.
No other code asks which kind it has: to add a kind is to add a record here, and a file in each room that treats it.
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
"""Heads of transformers, as its classes' names end: AutoModelForTokenClassification."""
WRITER: Head = "Seq2SeqLM"
"""The head of models that write texts."""


@dataclass(frozen=True)
class Kind:
    """What follows from a kind of answers."""

    name: str
    """As a task's `output` gives it."""
    answer: str
    """One answer, in words, for messages."""
    each: Literal["row", "token", "text"]
    """What the model's head gives one output for: a row, each token, or each token of a text that it writes."""
    head: Head
    """transformers' head for it."""
    peft_type: str
    """PEFT's name for tasks of this kind."""
    problem_type: str | None = None
    """transformers' name for the loss, for its configuration; None if its head knows only one."""
    names: Literal["labels", "entity types"] | None = None
    """What the names are that answers consist of; None if they do not consist of names."""
    one_name: bool = False
    """Whether an answer is exactly one name."""
    unit: Literal["rows", "entities"] = "rows"
    """What is counted when names are counted."""
    smooths: bool = True
    """Whether the loss can spread a share of the target over the other labels."""
    linear: bool = True
    """Whether a linear head over frozen vectors can be solved for, as a probe does."""

    @property
    def auto_class(self) -> str:
        """The name of transformers' class that loads a model with this head."""
        return auto_class(self.head)

    @property
    def by_row(self) -> bool:
        """Whether the head reads one vector a row."""
        return self.each == "row"

    @property
    def by_token(self) -> bool:
        """Whether the head reads one vector a token."""
        return self.each == "token"

    @property
    def is_written(self) -> bool:
        """Whether the model writes the answer."""
        return self.each == "text"

    @property
    def file(self) -> str:
        """The name of its file in a room: its own, with an underscore if Python reserves the word (class_.py)."""
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
            problem_type="multi_label_classification",
            names="labels",
        ),
        Kind(
            "number",
            "a number",
            "row",
            "SequenceClassification",
            "SEQ_CLS",
            problem_type="regression",
            smooths=False,
        ),
        Kind(
            "tags",
            "a BIO tag for each word",
            "token",
            "TokenClassification",
            "TOKEN_CLS",
            names="entity types",
            unit="entities",
        ),
        Kind("span", "a piece of the context, or none", "token", "QuestionAnswering", "QUESTION_ANS", linear=False),
        Kind("text", "a new text", "text", "Seq2SeqLM", "SEQ_2_SEQ_LM", linear=False),
    )
}
"""Every kind, by name."""


def auto_class(head: Head) -> str:
    """Returns the name of transformers' class that loads a model with a head."""
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
    """Returns the names of the kinds for which a fact is true, such as `having(lambda kind: kind.by_row)`."""
    return tuple(name for name, kind in KINDS.items() if fact(kind))


@cache
def part(package: str, output: str) -> ModuleType:
    """Returns the module that a room has for a kind.

    Args:
        package: the room's folder of kinds, such as "nlptl.data.kinds".
        output: the kind's name.

    Raises:
        InputError: there is no such kind.
    """
    return importlib.import_module(f"{package}.{of(output).file}")
