"""What tasks share that answer a whole text, or a pair of texts, at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from nlptl.core.checks import at_least, check_types
from nlptl.core.records import Corpus, Features, Finding, Pretrained
from nlptl.tasks.parts import tokens


@dataclass(frozen=True, kw_only=True)
class WholeText:
    """One answer a text; long texts are cut, or read in windows whose answers are averaged."""

    long: tokens.Long = "truncate"
    """What happens to texts above model.max_length: their end is cut, their middle is cut, or they are read in windows
    whose answers are averaged."""
    overlap: int = 32
    """Tokens that neighbouring windows share; at most half of a window."""

    max_length: ClassVar[int] = 256

    def __post_init__(self) -> None:
        """Checks types, choices and ranges."""
        check_types("task", self)
        at_least("task.overlap", self.overlap, 0)

    def findings(self, features: Mapping[str, Features], corpus: Corpus, pretrained: Pretrained) -> list[Finding]:
        """Returns nothing: what is cut is told by the audit."""
        return []
