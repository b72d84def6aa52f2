"""Evaluation by kind of answers: one file per kind."""

from nlptl.core import kinds
from nlptl.evaluation.kind import Kind


def of(output: str) -> Kind:
    """Returns the evaluation functions for a kind of answers.

    Args:
        output: the kind's name.

    Raises:
        InputError: there is no such kind.
    """
    kind: Kind = kinds.part(__name__, output).KIND
    return kind
