"""The baselines: better than chance, the same every time, and never a crash."""

import numpy as np
import pytest

from nlptl.core.errors import InputError
from nlptl.core.records import Example, LabelSpace
from tests.evaluation.bare import baselines, score

LABELS = LabelSpace(("negative", "positive"))
NEUTRAL = ("the", "film", "plot", "cast", "music", "scene", "it", "was", "with", "and")
WORDS = {"negative": "awful dull boring weak", "positive": "great lovely moving bright"}


def review(random, label):
    """Returns a text of neutral words in which two words tell the label."""
    words = [
        *random.choice(NEUTRAL, 6),
        *random.choice(WORDS[label].split(), 2),
    ]
    return " ".join(random.permutation(words))


def reviews(n, seed):
    """Returns n reviews, two of three positive."""
    random = np.random.default_rng(seed)
    labels = ["negative" if i % 3 == 0 else "positive" for i in range(n)]
    return [Example(i, review(random, label), label=label) for i, label in enumerate(labels)]


def accuracy(rows, predictions, labels=LABELS):
    """Returns the accuracy of predicted names."""
    return (
        score("class", [r.label for r in rows], predictions, labels, n_bootstrap=100, seed=0).metrics["accuracy"].value
    )


def test_words_beat_the_majority_on_an_easy_set():
    rows = reviews(90, seed=1)
    found = baselines("class", reviews(120, seed=0), rows, LABELS, seed=0)
    assert list(found) == ["majority", "tfidf_logreg"]
    assert accuracy(rows, found["majority"]) == pytest.approx(2 / 3)
    assert accuracy(rows, found["tfidf_logreg"]) > 0.95


def test_the_majority_is_that_of_the_training_examples():
    rows = [r for r in reviews(30, seed=1) if r.label == "negative"]
    assert set(baselines("class", reviews(30, seed=0), rows, LABELS, seed=0)["majority"]) == {"positive"}


def test_many_classes_are_told_apart():
    labels = LabelSpace(tuple("abcdefgh"))
    train = [Example(i, f"{name * 3} word{i % 5}", label=name) for i, name in enumerate("abcdefgh" * 6)]
    rows = [Example(i, f"other {name * 3}", label=name) for i, name in enumerate("hgfedcba")]
    assert accuracy(rows, baselines("class", train, rows, labels, seed=0)["tfidf_logreg"], labels) == 1.0


def test_two_runs_give_the_same_predictions_whatever_the_global_random_state():
    random = np.random.default_rng(3)
    train = [Example(e.row_id, e.text, label=str(random.choice(LABELS.names))) for e in reviews(100, seed=0)]
    rows = reviews(100, seed=1)
    np.random.seed(1)
    first = baselines("class", train, rows, LABELS, seed=0)
    np.random.seed(2)
    assert baselines("class", train, rows, LABELS, seed=0) == first


def test_both_texts_of_a_pair_are_read():
    random = np.random.default_rng(0)
    train = [Example(e.row_id, "a film", e.text, e.label) for e in reviews(120, seed=0)]
    rows = [Example(i, "a film", review(random, label), label) for i, label in enumerate(list(WORDS) * 20)]
    assert accuracy(rows, baselines("class", train, rows, LABELS, seed=0)["tfidf_logreg"]) > 0.95


def test_the_labels_of_the_rows_are_not_read():
    train, rows = reviews(60, seed=0), reviews(30, seed=1)
    hidden = [Example(r.row_id, r.text) for r in rows]
    assert baselines("class", train, hidden, LABELS, seed=0) == baselines("class", train, rows, LABELS, seed=0)


@pytest.mark.parametrize("texts", [["", " ", "\n"], ["\t"] * 3])
def test_blank_texts_fall_back_to_the_majority(texts):
    train = [
        Example(i, t, label=label)
        for i, (t, label) in enumerate(zip(texts, ["positive", "positive", "negative"], strict=True))
    ]
    found = baselines("class", train, [Example(0, "great"), Example(1, "")], LABELS, seed=0)
    assert found["tfidf_logreg"] == found["majority"] == ["positive", "positive"]


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_a_handful_of_rows_is_enough(n):
    train = reviews(n, seed=0)
    found = baselines("class", train, reviews(5, seed=1), LABELS, seed=0)
    assert {len(v) for v in found.values()} == {5}
    assert set(found["tfidf_logreg"]) <= {e.label for e in train}


def test_classes_of_one_row_are_no_obstacle():
    labels = LabelSpace(tuple(f"class {i}" for i in range(12)))
    train = [Example(i, f"word{i} again", label=name) for i, name in enumerate(labels.names)]
    found = baselines("class", train, train, labels, seed=0)["tfidf_logreg"]
    assert accuracy(train, found, labels) == 1.0


def test_texts_without_any_known_word_get_an_answer():
    found = baselines("class", reviews(60, seed=0), [Example(0, "日本語"), Example(1, "")], LABELS, seed=0)
    assert set(found["tfidf_logreg"]) == {"positive"}


def test_emoticons_and_one_letter_words_are_read():
    texts = {"positive": ":) i", "negative": ":( u"}
    train = [Example(i, texts[label], label=label) for i, label in enumerate(list(texts) * 10)]
    rows = [Example(0, ":)", label="positive"), Example(1, ":(", label="negative"), Example(2, "u", label="negative")]
    assert accuracy(rows, baselines("class", train, rows, LABELS, seed=0)["tfidf_logreg"]) == 1.0


def test_no_rows_give_no_predictions():
    assert baselines("class", reviews(10, seed=0), [], LABELS, seed=0) == {"majority": [], "tfidf_logreg": []}


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ([], "at least one training example"),
        ([Example(0, "x")], r"train labels\[0\] is None"),
        ([Example(0, "x", label="positve")], "did you mean 'positive'"),
    ],
)
def test_training_examples_without_usable_labels_are_refused(train, message):
    with pytest.raises(InputError, match=message):
        baselines("class", train, [], LABELS, seed=0)
