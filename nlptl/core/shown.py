"""Text of the user's data made safe to print: characters that control a terminal are escaped."""

import re
from typing import IO

LABEL, MESSAGE = 60, 2000
"""Most characters of a label and of a message; longer ones lose their middle."""

# Characters that move the cursor, change the order of letters or are invisible: control characters, direction marks,
# line and paragraph separators, lone surrogates. Joiners of emoji and letters stay.
_OBEYED = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def shown(text: str, most: int | None = None) -> str:
    r"""Returns a text on one line, with control characters escaped, such as \x1b.

    Args:
        text: any text.
        most: most characters of the result; a longer text loses its middle.
    """
    if most is not None:
        text = _cut(text, most)  # cut before and after, so that a long text is not escaped only to be cut
    text = _OBEYED.sub(_escape, text)
    return text if most is None else _cut(text, most)


def shown_lines(text: str, most: int | None = None) -> str:
    """Returns a text like `shown`, but keeps line ends; later lines are indented, so that none looks like nlptl's own.

    Args:
        text: any text.
        most: as in `shown`.
    """
    if most is not None:
        text = _cut(text, most)
    return "\n  ".join(map(shown, text.split("\n")))


def shown_json(text: str) -> str:
    r"""Returns equivalent JSON with \u escapes for control characters; line ends stay."""
    return "\n".join(_OBEYED.sub(_json_escape, line) for line in text.split("\n"))


def writable(text: str, stream: IO[str]) -> str:
    r"""Returns a text with an escape, such as \u4e2d, for each character that the stream cannot encode."""
    encoding = getattr(stream, "encoding", None) or "utf-8"  # streams in notebooks and tests may have no encoding
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    tail = (most - 3) // 3
    return f"{text[: most - 3 - tail]}...{text[len(text) - tail :]}"


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    if match.group() in _SHORT:
        return _SHORT[match.group()]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(match: re.Match[str]) -> str:
    units = match.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
