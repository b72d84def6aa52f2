"""What evaluation does with each kind of answers: a file a kind, found by name."""

from nlptl.core import kinds
from nlptl.evaluation.kind import Kind


def of(output: str) -> Kind:
    """Returns what evaluation does with a kind of answers.

    Args:
        output: the kind's name.

    Raises:
        InputError: there is no such kind.
    """
    kind: Kind = kinds.part(__name__, output).KIND
    return kind
