"""Swaps words in texts for others, such as "he" and "she"."""

import json
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from nlptl.core import files
from nlptl.core.errors import InputError
from nlptl.core.records import Example

DEFAULT = "default"
"""Name of the list that comes with nlptl: English words for women and men."""


class Swapping:
    """A list of words and what they are swapped for, in both directions.

    Args:
        words: the other word for each word, in lower case; a pair holds in both directions unless the list says another
            word for the way back.
    """

    def __init__(self, words: Mapping[str, str]) -> None:
        back = {other: word for word, other in reversed(list(words.items()))}  # of several the first
        self.words = {**back, **words}

    @staticmethod
    def read(source: str) -> "Swapping":
        """Returns a list from a JSON file, or the one named "default".

        Raises:
            InputError: there is no such file, or it is no JSON object of different words.
        """
        path = Path(__file__).with_name("swaps.json") if source == DEFAULT else Path(source).expanduser()
        expected = f'expected a JSON object of words, such as {{"he": "she"}}, or {DEFAULT!r} for the list of nlptl'
        if not path.is_file():
            raise InputError(f"there is no file {source!r}: {expected}")
        try:
            found = json.loads(files.read_text(path, "give another"))
        except (ValueError, RecursionError) as error:
            raise InputError(f"{source}: {error}; {expected}") from error
        if not isinstance(found, dict) or not found:
            raise InputError(f"{source} is no list of words: {expected}")
        for word, other in found.items():
            if not isinstance(other, str) or not word.strip() or not other.strip():
                raise InputError(f"{source}: {word!r} is swapped for {other!r}: {expected}")
            if word.lower() == other.lower():
                raise InputError(f"{source}: {word!r} is swapped for itself; remove it")
        return Swapping({word.strip().lower(): other.strip().lower() for word, other in found.items()})

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        longest_first = sorted(self.words, key=len, reverse=True)
        return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)

    def found(self, example: Example) -> set[str]:
        """Returns the words of the list that occur in a row, in lower case."""
        texts = (example.text, example.text_pair or "")
        return {match.lower() for text in texts for match in self._pattern.findall(text)}

    def swapped(self, text: str) -> str:
        """Returns a text with whole words swapped, all at once; capitals stay as they are."""
        return self._pattern.sub(self._other, text)

    def _other(self, match: re.Match[str]) -> str:
        word = match.group()
        other = self.words.get(word.lower(), word)
        if word.isupper() and len(word) > 1:
            return other.upper()
        return other[:1].upper() + other[1:] if word[:1].isupper() else other
