"""What several runs in one process compute once: the rows of files, tokens, baselines."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar, cast

T = TypeVar("T")

MOST_KEPT = 128
"""Values; the one that was not asked for longest goes first."""


class _Kept:
    """Values by what they follow from."""

    def __init__(self) -> None:
        self._values: OrderedDict[Hashable, tuple[Sequence[object], object]] = OrderedDict()

    def get(self, what: str, follows_from: Sequence[object], make: Callable[[], T]) -> T:
        key = (what, *map(_identity, follows_from))
        if key not in self._values:
            # What it follows from is kept too: the identity of an object that is gone may become that of another.
            self._values[key] = (follows_from, make())
            if len(self._values) > MOST_KEPT:
                self._values.popitem(last=False)
        self._values.move_to_end(key)
        return cast("T", self._values[key][1])


_KEPT: ContextVar[_Kept | None] = ContextVar("kept", default=None)


@contextmanager
def shared() -> Iterator[None]:
    """Within the block, `once` computes each value once; a block inside another shares with it."""
    if _KEPT.get() is not None:
        yield
        return
    token = _KEPT.set(_Kept())
    try:
        yield
    finally:
        _KEPT.reset(token)


def once(what: str, follows_from: Sequence[object], make: Callable[[], T]) -> T:
    """Returns a value, computed once in a `shared` block, every time outside of one; nobody may change it.

    Args:
        what: kind of value.
        follows_from: all that it depends on; what cannot be hashed, such as a list of rows, is compared by identity.
        make: computes it.
    """
    kept = _KEPT.get()
    return make() if kept is None else kept.get(what, follows_from, make)


def _identity(value: object) -> Hashable:
    try:
        hash(value)
    except TypeError:
        return id(value)
    return value
