"""What may be shown to a person: text of the user's data without what a terminal would obey."""

import re
from typing import IO

LABEL, MESSAGE = 60, 2000
"""Most characters of a label and of a message; of longer ones the middle is left out."""

# Everything that moves the cursor, changes the order of letters, or is not there to be seen: control characters, marks
# of direction, invisible ones, line and paragraph separators, halves of emoji. What joins emoji and letters stays.
_OBEYED = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def shown(text: str, most: int | None = None) -> str:
    r"""Returns a text on one line, each character that a terminal would obey as its escape, such as \x1b.

    Args:
        text: anybody's.
        most: characters of the result; of a longer text the middle is left out.
    """
    if most is not None:
        text = _cut(text, most)  # twice: escapes of 30 kB are not made to be thrown away
    text = _OBEYED.sub(_escape, text)
    return text if most is None else _cut(text, most)


def shown_lines(text: str, most: int | None = None) -> str:
    """Returns a text as `shown`, but with its line ends; lines after the first are indented, so none passes for ours.

    Args:
        text: anybody's.
        most: as in `shown`.
    """
    if most is not None:
        text = _cut(text, most)
    return "\n  ".join(map(shown, text.split("\n")))


def shown_json(text: str) -> str:
    r"""Returns JSON that means the same, with \u escapes for what a terminal would obey; lines stay lines."""
    return "\n".join(_OBEYED.sub(_json_escape, line) for line in text.split("\n"))


def writable(text: str, stream: IO[str]) -> str:
    r"""Returns a text with an escape, such as \u4e2d, for each character that a stream cannot write."""
    encoding = getattr(stream, "encoding", None) or "utf-8"  # streams of notebooks and of tests may have none
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    tail = (most - 3) // 3
    return f"{text[: most - 3 - tail]}...{text[len(text) - tail :]}"


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    if found.group() in _SHORT:
        return _SHORT[found.group()]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(found: re.Match[str]) -> str:
    units = found.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
