"""Words that are swapped: whole words, both directions at once, capitals kept."""

import json

import pytest

from nlptl.core.errors import InputError
from nlptl.core.records import Example
from nlptl.data.swapping import Swapping


@pytest.mark.parametrize(
    ("text", "swapped"),
    [
        ("he saw the theme", "she saw the theme"),
        ("He said SHE was there, she's HE", "She said HE was there, he's SHE"),
        ("his hat and her hat", "her hat and his hat"),
        ("hero-man: a man", "hero-woman: a woman"),
        ("nothing here", "nothing here"),
        ("", ""),
        ("mr. Smith", "ms. Smith"),
        ("New York and paris", "Paris and new york"),
    ],
)
def test_whole_words_are_swapped_and_capitals_stay(text, swapped):
    own = Swapping({"he": "she", "his": "her", "man": "woman", "mr": "ms", "new york": "paris"})
    assert own.swapped(text) == swapped


def test_of_several_words_for_the_way_back_the_first_is_taken_unless_the_list_says_another():
    assert Swapping({"his": "her", "him": "her"}).words["her"] == "his"
    assert Swapping({"his": "her", "him": "her", "her": "him"}).words["her"] == "him"


def test_the_words_of_both_texts_are_found():
    own = Swapping({"he": "she"})
    assert own.found(Example(0, "He came", "and SHE went")) == {"he", "she"}
    assert own.found(Example(0, "the end")) == set()


def test_every_word_of_the_default_list_goes_to_another_word_of_it():
    words = Swapping.read("default").words
    assert words.keys() >= set(words.values())
    assert not [word for word, other in words.items() if word == other or word != word.lower()]
    assert Swapping.read("default").swapped("She and her husband") == "He and his wife"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "expected a JSON object"),
        ("[]", "no list of words"),
        ("{}", "no list of words"),
        ('{"he": 1}', "'he' is swapped for 1"),
        ('{"he": ""}', "'he' is swapped for ''"),
        ('{" ": "she"}', "' ' is swapped for 'she'"),
        ('{"he": "He"}', "swapped for itself"),
    ],
)
def test_files_that_are_no_list_of_words_are_refused(tmp_path, content, words):
    path = tmp_path / "own.json"
    path.write_text(content)
    with pytest.raises(InputError, match=words):
        Swapping.read(str(path))
    path.write_text(json.dumps({"Cat": "DOG"}))
    assert Swapping.read(str(path)).words == {"cat": "dog", "dog": "cat"}


def test_a_missing_file_is_said():
    with pytest.raises(InputError, match=r"no file 'defualt': .*or 'default'"):
        Swapping.read("defualt")
