"""Evaluation by kind of answers: one file per kind."""

from nlptl.core import kinds
from nlptl.evaluation.kind import Kind
from nlptl.evaluation.views import Views


def of(output: str) -> Kind:
    """Returns the evaluation functions for a kind of answers.

    Args:
        output: the kind's name.

    Raises:
        InputError: there is no such kind.
    """
    kind: Kind = kinds.part(__name__, output).KIND
    return kind


def views(output: str) -> Views:
    """Returns the functions that look at single rows of a kind of answers.

    Args:
        output: the kind's name.

    Raises:
        InputError: there is no such kind.
    """
    found: Views = kinds.part(__name__, output).VIEWS
    return found
