"""The characters that tokens cover: those that `encode` has read, in its order."""

import numpy as np
import pytest

from nlptl.core.protocols import Locating
from nlptl.core.records import Example, LabelSpace
from nlptl.core.registry import load, names
from nlptl.tasks.classification import Classification
from nlptl.tasks.sentiment import Sentiment
from tests import tiny, tiny_models

ALL = (*tiny.FAMILIES, *tiny_models.OTHERS)
ROWS = [
    Example(0, "A great film, and the END is great"),
    Example(1, ""),
    Example(2, "the worst hour of my life " * 5),
]


def covered(rows, characters, features):
    """Returns the text that each token covers, blanks left out; None for tokens of no text."""
    owner = np.repeat(features.example, features.lengths)
    texts = [(row.text, row.text_pair) for row in rows]
    return [
        None if text < 0 else texts[i][text][start:end].strip()
        for i, (text, start, end) in zip(owner, characters.tolist(), strict=True)
    ]


@pytest.mark.parametrize("long", ["truncate", "head+tail", "window"])
@pytest.mark.parametrize("family", ALL)
def test_each_token_covers_the_characters_from_which_it_was_made(tiny_folders, family, long):
    pretrained = tiny.load(tiny_folders[family], max_length=12)
    task = Sentiment(long=long, overlap=4)
    features, characters = task.encode(ROWS, pretrained), task.characters(ROWS, pretrained)
    assert characters.shape == (len(features.input_ids), 3)
    names_of = {i: token for token, i in pretrained.tokenizer.get_vocab().items()}
    for token, text in zip(features.input_ids.tolist(), covered(ROWS, characters, features), strict=True):
        piece = names_of[token].removeprefix("##").strip("▁Ġ")
        if text and piece.isalpha():
            assert text.lower() == piece.lower() or "unk" in piece.lower()


def test_tokens_of_pairs_name_their_text(tiny_folders):
    pretrained = tiny.load(tiny_folders["bert"], labels=LabelSpace(("a", "b")))
    rows = [Example(0, "a great film", "the end")]
    task = Classification()
    features, characters = task.encode(rows, pretrained), task.characters(rows, pretrained)
    assert characters[:, 0].tolist() == [-1, 0, 0, 0, -1, 1, 1, -1]
    assert covered(rows, characters, features) == [None, "a", "great", "film", None, "the", "end", None]


def test_tasks_with_one_answer_a_text_say_which_characters_tokens_cover():
    able = {name for name in names("task") if isinstance(load("task", name)(), Locating)}
    assert able == {"sentiment", "classification", "regression"}
