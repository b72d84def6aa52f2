"""What the fuzzers draw: bytes that are damaged, and so many cases of a property.

The five properties run on 200 cases by default, always the same ones, and on 2,000 new ones with `-m slow`.
"""

import io
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from nlptl.cli import command

MORE, LEAST_SLOW = 10, 100
"""How many times the cases of the default tests the slow ones are, and how many these are at least."""
PIECES = {
    **{text: text.encode() for text in ("\n", "\r", '"', "'", ",", "\t", "{", "]", "null", "NaN", "-1", "1e999")},
    **{text: text.encode() for text in ("\\ud83d", "\u202e", "../", "true", "\x00", "\ufeff")},
    "0xff": b"\xff",
    "mark of UTF-16": b"\xff\xfe",
    "5000 digits": b"9" * 5000,
    "5000 brackets": b"[" * 5000,
}
"""What is put into files, by a name that is short to show."""


class Edit(NamedTuple):
    """A change to some bytes at a place."""

    kind: str
    """flip: one bit; cut: all from there on; drop: some; put: a piece goes in; swap: a piece stands for some."""
    place: int
    """In ten thousandths of the bytes."""
    n: int
    piece: str
    """A name in `PIECES`, or bytes in hexadecimal digits."""

    def done_to(self, content: bytes) -> bytes:
        """Returns the changed bytes."""
        at = self.place * len(content) // 10_000
        before, after = content[:at], content[at:]
        if self.kind == "flip":
            return before + bytes(byte ^ (1 << self.n % 8) for byte in after[:1]) + after[1:]
        if self.kind == "cut":
            return before
        if self.kind == "drop":
            return before + after[self.n :]
        piece = PIECES.get(self.piece) or bytes.fromhex(self.piece)
        return before + piece + (after if self.kind == "put" else after[len(piece) :])


EDITS = st.builds(
    Edit,
    st.sampled_from(["flip", "cut", "drop", "put", "swap"]),
    st.integers(0, 9999),
    st.integers(1, 40),
    st.one_of(
        st.sampled_from(list(PIECES)),
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4).map(lambda text: text.encode().hex()),
        st.binary(min_size=1, max_size=4).map(bytes.hex),
    ),
)
DAMAGE = st.lists(EDITS, min_size=1, max_size=2)


def damaged(content: bytes, edits: list[Edit]) -> bytes:
    """Returns bytes after some edits."""
    for edit in edits:
        content = edit.done_to(content)
    return content


def files_of(folder: Path) -> list[Path]:
    """Returns every file below a folder, in order."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def cases(n: int) -> pytest.MarkDecorator:
    """Runs a test with `n_cases` as n, and as many times that when slow tests run."""
    return pytest.mark.parametrize("n_cases", [n, pytest.param(MORE * n, marks=pytest.mark.slow)])


def run(words: list[str], typed: str = "") -> tuple[int, str]:
    """Returns the exit status of a command line and what it wrote, to streams that encode as those of a process do."""
    out = io.TextIOWrapper(io.BytesIO(), "utf-8", errors="strict", newline="")
    err = io.TextIOWrapper(io.BytesIO(), "utf-8", errors="backslashreplace", newline="")
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr("sys.stdin", io.StringIO(typed))
        try:
            status = command(words)
        except SystemExit as end:  # help
            status = int(end.code or 0)
        out.flush()
        err.flush()
    return status, b"".join(stream.buffer.getvalue() for stream in (err, out)).decode()  # type: ignore[attr-defined]


def check(n_cases: int, hold: Callable[..., None], *drawn: st.SearchStrategy[Any], shrink: bool = True) -> None:
    """Calls a property on so many drawn cases, and shows one that it does not hold for.

    Args:
        n_cases: how many.
        hold: the property; fails if it does not hold for what it is given.
        drawn: what it is given.
        shrink: whether to look for the smallest case, which tries hundreds more.
    """
    n_tried = []

    @settings(
        max_examples=n_cases,
        deadline=None,
        database=None,
        derandomize=n_cases < LEAST_SLOW,
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.tuples(*drawn))
    def each(values: tuple[Any, ...]) -> None:
        n_tried.append(1)
        hold(*values)

    each()
    assert len(n_tried) >= n_cases
