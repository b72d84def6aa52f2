"""The base of tasks with one answer per text or pair of texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from nlptl.core.checks import at_least, check_types
from nlptl.core.records import Corpus, Example, Features, Finding, Pretrained
from nlptl.tasks.parts import tokens
from nlptl.tasks.parts.characters import characters

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, kw_only=True)
class WholeText:
    """One answer per text; long texts are truncated, or split into windows whose predictions are averaged."""

    long: tokens.Long = "truncate"
    """What happens to texts longer than model.max_length; truncate: the end is cut; head+tail: the middle is cut;
    window: the text is split into windows whose predictions are averaged."""
    overlap: int = 32
    """Tokens that neighbouring windows share; at most half a window."""

    max_length: ClassVar[int] = 256

    def __post_init__(self) -> None:
        """Checks types, choices and ranges."""
        check_types("task", self)
        at_least("task.overlap", self.overlap, 0)

    def findings(self, features: Mapping[str, Features], corpus: Corpus, pretrained: Pretrained) -> list[Finding]:
        """Returns no findings, because the audit reports truncation."""
        return []

    def characters(self, examples: Sequence[Example], pretrained: Pretrained) -> "np.ndarray":
        """Returns the characters of each token: see `nlptl.core.protocols.Locating`."""
        return characters(examples, pretrained, self.long, self.overlap)
