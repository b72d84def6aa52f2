"""Finds names that look the same to a reader, and says how they differ."""

import re
import unicodedata
from collections.abc import Callable, Iterable

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def _without_invisible(name: str) -> str:
    return "".join(c for c in name if unicodedata.category(c) not in ("Cf", "Cc"))


def _as_number(name: str) -> str:
    return repr(float(name)) if NUMBER.fullmatch(name) else name


FOLDS: dict[str, Callable[[str], str]] = {
    "blanks": lambda name: "".join(name.split()),
    "invisible characters": _without_invisible,
    "Unicode form": lambda name: unicodedata.normalize("NFKC", name),
    "case": str.casefold,
    "the way a number is written": _as_number,
}
"""Differences that a reader overlooks, each with a function that removes it."""


def near_key(name: str) -> str:
    """Returns a key that is equal for names that differ only in one of `FOLDS`, such as case or blanks."""
    return _folded(name, FOLDS)


def difference(names: Iterable[str]) -> str:
    """Returns how names with the same `near_key` differ: "case", "blanks and case"."""
    names = set(names)
    left = {what: {_folded(name, FOLDS.keys() - {what}) for name in names} for what in FOLDS}
    different = [what for what, kept in left.items() if len(kept) > 1]
    return " and ".join(different or ["Unicode form"])


def shown(name: str, why: str) -> str:
    """Returns a name in quotes, with escapes if the difference would be invisible.

    Args:
        name: the name.
        why: how it differs from another name, as returned by `difference`.
    """
    return ascii(name) if "Unicode" in why or "invisible" in why else repr(name)


def _folded(name: str, which: Iterable[str]) -> str:
    for what, fold in FOLDS.items():
        if what in which:
            name = fold(name)
    return name
