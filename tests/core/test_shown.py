"""What is shown to a person holds nothing that a terminal would obey."""

import io
import json

import pytest

from nlptl.core.errors import InputError, TrainingError
from nlptl.core.shown import LABEL, MESSAGE, shown, shown_json, shown_lines, writable

OBEYED = {
    "\x1b[31mred": "\\x1b[31mred",
    "\x1b]0;title\x07": "\\x1b]0;title\\x07",
    "a\rb\tc\nd": "a\\rb\\tc\\nd",
    "\x9b31m": "\\x9b31m",
    "\x7f": "\\x7f",
    "abc\u202edef": "abc\\u202edef",
    "\u2066x\u2069": "\\u2066x\\u2069",
    "\u200f\u061c\u200b\ufeff": "\\u200f\\u061c\\u200b\\ufeff",
    "line\u2028end": "line\\u2028end",
    "half \ud83d": "half \\ud83d",
    "tag \U000e0041": "tag \\U000e0041",
}


@pytest.mark.parametrize("text", OBEYED)
def test_what_a_terminal_would_obey_is_shown_as_its_escape(text):
    assert shown(text) == OBEYED[text]


@pytest.mark.parametrize("text", ["plain", "中文标签", "é ß ñ", "שלום", "👩‍👩‍👧 🇫🇷", "می‌خواهم", "a  b", "'\\x1b'"])
def test_letters_of_any_script_stay_as_they_are(text):
    assert shown(text) == text


def test_of_a_long_label_the_middle_is_left_out():
    found = shown("start " + "x" * 30_000 + " end", LABEL)
    assert len(found) == LABEL
    assert found.startswith("start xxx")
    assert found.endswith("xxx end")
    assert "..." in found


def test_escapes_do_not_make_a_label_longer_than_allowed():
    assert len(shown("\x1b" * 30_000, LABEL)) == LABEL


def test_lines_of_a_message_stay_and_the_later_ones_are_seen_to_belong_to_it():
    assert shown_lines("first\nerror: \x1bfaked") == "first\n  error: \\x1bfaked"


@pytest.mark.parametrize("kind", [InputError, TrainingError])
def test_messages_of_errors_are_clean_wherever_they_are_printed(kind):
    error = kind("the label \x1b[2J\u202e is unknown")
    assert str(error) == "the label \\x1b[2J\\u202e is unknown"
    assert error.args == ("the label \x1b[2J\u202e is unknown",)


def test_a_message_that_quotes_a_label_of_30_kb_still_says_what_to_do():
    message = str(InputError(f"the label {'x' * 30_000} is unknown; rename it"))
    assert len(message) <= MESSAGE
    assert message.startswith("the label xxx")
    assert message.endswith("rename it")


@pytest.mark.parametrize("text", [*OBEYED, "中文"])
def test_json_means_the_same_with_escapes(text):
    line = shown_json(json.dumps({text: [text]}, ensure_ascii=False))
    assert shown(line) == line
    assert json.loads(line) == {text: [text]}


def test_lines_of_json_stay_lines():
    text = json.dumps({"a": [1, 2]}, indent=1)
    assert shown_json(text) == text


def test_what_a_stream_cannot_write_becomes_an_escape():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    assert writable("中 é", stream) == "\\u4e2d \\xe9"
    assert writable("中 é", io.StringIO()) == "中 é"
