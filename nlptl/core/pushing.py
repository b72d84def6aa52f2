"""What a push to the Hub would send, and what it did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["new", "changed", "same", "unknown"]
"""Of a file, compared with the Hub's; unknown: the Hub was not asked."""


@dataclass(frozen=True)
class FileToPush:
    """A file of the model."""

    name: str
    """In the repository."""
    size: int
    """In bytes."""
    state: State


@dataclass(frozen=True)
class Push:
    """One push: the files, where they go, and the commit once it is made."""

    source: str
    """The model's folder."""
    repo: str
    """OWNER/NAME."""
    url: str
    """Address of the repository, or of the branch."""
    files: tuple[FileToPush, ...]
    visibility: Literal["private", "public"]
    """What the repository has, or will have if it is new."""
    is_new: bool | None = None
    """Whether the repository has yet to be made; None: the Hub was not asked."""
    revision: str | None = None
    """The branch; None: main."""
    is_new_revision: bool = False
    """Whether the branch has yet to be made."""
    others: tuple[str, ...] = ()
    """Files of the repository that are not the model's; they stay as they are."""
    in_the_way: tuple[str, ...] = ()
    """Files of the repository that loading would read beside the model's own; they are refused."""
    not_sent: tuple[str, ...] = ()
    """Files in the model's folder that are not the model's."""
    warnings: tuple[str, ...] = ()
    not_asked: str | None = None
    """Why the Hub was not asked what it has."""
    commit: str | None = None
    """Address of the commit; None if nothing was sent."""

    @property
    def to_send(self) -> tuple[FileToPush, ...]:
        """The files that the Hub does not have as they are here."""
        return tuple(file for file in self.files if file.state != "same")
