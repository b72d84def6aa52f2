"""Divides texts of any script into words, for reading them one by one."""

import unicodedata

JOINERS = "'\u2019-\u200d"
"""Apostrophes, hyphen and the joiner of emoji: inside a word if it goes on after them."""
WITHOUT_BLANKS = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")
"""Scripts that put no blanks between words, as the names of their characters begin: each character stands alone."""


def words_in(text: str) -> list[tuple[int, int]]:
    """Returns start and end of each word and of each other visible character, in order."""
    found: list[tuple[int, int]] = []
    for i, character in enumerate(text):
        if character.isspace():
            continue
        if found and found[-1][1] == i and _goes_on(text, i):
            found[-1] = (found[-1][0], i + 1)
        else:
            found.append((i, i + 1))
    return found


def _goes_on(text: str, i: int) -> bool:
    """Returns whether a character belongs to the word of the one before it."""
    before, here = text[i - 1], text[i]
    if unicodedata.category(here)[0] == "M" or "\u200d" in (before, here):
        return True
    if here in JOINERS:
        return _in_words(before) and _in_words(text[i + 1 : i + 2])
    if before in JOINERS:
        return _in_words(text[i - 2 : i - 1]) and _in_words(here)
    return _in_words(before) and _in_words(here)


def _in_words(character: str) -> bool:
    if not character or (unicodedata.category(character)[0] not in "LNM" and character != "_"):
        return False
    return not unicodedata.name(character, "").startswith(WITHOUT_BLANKS)
