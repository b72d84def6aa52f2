"""From examples to features: the task's tokens, and the terms of the texts if the head reads them."""

from collections.abc import Sequence
from dataclasses import replace

from nlptl.core import sharing
from nlptl.core.protocols import Task
from nlptl.core.records import Example, Features, Pretrained


def encode(task: Task, examples: Sequence[Example], pretrained: Pretrained) -> Features:
    """Returns the features of examples; every feature of an example has the terms of its whole text."""
    known = [task, examples, pretrained.source.path, pretrained.config, pretrained.labels]
    features = sharing.once("tokens", known, lambda: task.encode(examples, pretrained))
    if pretrained.terms is None:
        return features
    return replace(features, terms=pretrained.terms.rows(examples)[features.example])
