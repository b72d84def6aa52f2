"""Texts on the page: cut around their marks, on one line, in pieces that say which parts are marked."""

import pytest

from nlptl.report.excerpts import Piece, pieces


def test_a_short_text_stays_whole():
    assert pieces("a good film") == [Piece("a good film")]
    assert pieces("") == []


def test_overlapping_marks_give_pieces_with_both():
    found = pieces("Ada Byron met", [(0, 9, "missed", "PER"), (4, 9, "wrong", "ORG")])
    assert found == [
        Piece("Ada ", "missed"),
        Piece("Byron", "missed wrong", (("missed", "PER"), ("wrong", "ORG"))),
        Piece(" met"),
    ]


def test_a_long_text_is_cut_around_its_first_wrong_mark():
    text = "x" * 50_000 + "HERE" + "y" * 50_000
    found = pieces(text, [(0, 3, "right", ""), (50_000, 50_004, "missed", "")])
    assert sum(len(piece.text) for piece in found) < 400
    assert Piece("HERE", "missed") in found
    assert (found[0].text, found[-1].text) == ("... ", " ...")


def test_a_long_text_without_marks_shows_its_beginning():
    (first, last) = pieces("ab" * 50_000)
    assert first.text.startswith("abab")
    assert last.text == " ..."


@pytest.mark.parametrize("mark", [(-1, 3, "right", ""), (2, 2, "right", ""), (5, 99, "wrong", "")])
def test_marks_outside_the_text_are_ignored(mark):
    assert pieces("a good film", [mark]) == [Piece("a good film")]


def test_control_characters_are_shown_and_white_space_is_one_blank():
    assert pieces("a\n\n b\x1b[2J\u202e") == [Piece("a b\\x1b[2J\\u202e")]
