"""Words of texts in any script."""

import pytest

from nlptl.data.scripts import words_in


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" \n\t", []),
        ("It's a well-made film!!", ["It's", "a", "well-made", "film", "!", "!"]),
        ("'quoted' - and so", ["'", "quoted", "'", "-", "and", "so"]),
        ("good,bad", ["good", ",", "bad"]),
        ("snake_case 3.5", ["snake_case", "3", ".", "5"]),
        ("电影很好", ["电", "影", "很", "好"]),
        ("हिन्दी फ़िल्म", ["हिन्दी", "फ़िल्म"]),
        ("cafe\u0301 naïve", ["cafe\u0301", "naïve"]),
        ("\u2764\ufe0f \U0001f469\u200d\U0001f680", ["\u2764\ufe0f", "\U0001f469\u200d\U0001f680"]),
        ("rock 'n' roll-", ["rock", "'", "n", "'", "roll", "-"]),
    ],
)
def test_a_text_falls_into_words_and_other_visible_characters(text, words):
    assert [text[start:end] for start, end in words_in(text)] == words


def test_every_visible_character_is_in_one_word():
    text = "A b\u00adc — «d» 漢字かな ไทย \U0001f600e'f-"
    covered = [i for start, end in words_in(text) for i in range(start, end)]
    assert covered == [i for i, character in enumerate(text) if not character.isspace()]
