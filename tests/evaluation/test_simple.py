"""The baselines of all outputs but one label a row: better than chance on small planted problems."""

import numpy as np
import pytest

from nlptl.core.errors import InputError
from nlptl.core.records import Answer, Example, LabelSpace
from tests.evaluation.bare import baselines, score

LABELS = LabelSpace(("loud", "red", "tall"))
FILLER = ("it", "was", "seen", "by", "some", "people", "on", "the", "way", "home", "today")
NOUNS = ("lamp", "boat", "stone", "cloud", "river", "fence", "candle", "mirror", "ladder", "basket", "engine", "garden")


def value(output, rows, predictions, metric, labels=LABELS):
    """Returns a metric of predictions."""
    return score(output, [r.label for r in rows], predictions, labels, n_bootstrap=10, seed=0).metrics[metric].value


def words(random, n):
    return [str(word) for word in random.choice(FILLER, n)]


def described(n, seed):
    """Returns texts that name some of the labels; most rows have none or "red"."""
    random, found = np.random.default_rng(seed), []
    for i in range(n):
        names = tuple(x for x, share in zip(LABELS.names, (0.1, 0.7, 0.2), strict=True) if random.random() < share)
        found.append(Example(i, " ".join([*words(random, 5), *names]), label=names))
    return found


def test_of_several_labels_words_beat_the_commonest_set():
    train, rows = described(400, seed=0), described(80, seed=1)
    found = baselines("classes", train, rows, LABELS, seed=0)
    assert list(found) == ["majority", "tfidf_logreg"]
    assert found["majority"] == [["red"]] * 80
    assert value("classes", rows, found["tfidf_logreg"], "micro_f1") > 0.95
    assert 0.4 < value("classes", rows, found["majority"], "micro_f1") < 0.9


def test_of_several_labels_some_may_never_and_others_always_occur():
    train = [Example(i, text, label=("red",)) for i, text in enumerate(["a b", "c d", "e f"])]
    assert baselines("classes", train, train, LABELS, seed=0)["tfidf_logreg"] == [["red"]] * 3


@pytest.mark.parametrize("n", [1, 2, 4])
def test_a_handful_of_rows_with_several_labels_is_enough(n):
    found = baselines("classes", described(n, seed=0), described(5, seed=1), LABELS, seed=0)
    assert {len(predictions) for predictions in found.values()} == {5}


def priced(n, seed):
    """Returns texts whose words make up their number."""
    random, found = np.random.default_rng(seed), []
    for i in range(n):
        good = random.random(3) < 0.5
        text = " ".join([*words(random, 4), *(x for x, has in zip(NOUNS, good, strict=False) if has)])
        found.append(Example(i, text, label=float(good @ (1, 2, 4)) + 10))
    return found


def test_of_numbers_words_beat_the_mean():
    train, rows = priced(200, seed=0), priced(60, seed=1)
    found = baselines("number", train, rows, LABELS, seed=0)
    assert set(found["mean"]) == {np.mean([e.label for e in train])}
    assert value("number", rows, found["tfidf_ridge"], "pearson") > 0.9
    assert value("number", rows, found["mean"], "pearson") == 0
    assert all(10 <= x <= 17 for x in found["tfidf_ridge"])


def alike(n, seed):
    """Returns pairs of texts of any words whose number is the share of words in common: no word tells it alone."""
    random, found = np.random.default_rng(seed), []
    for i in range(n):
        first, shared = random.permutation(NOUNS)[:5], random.integers(0, 6)
        others = [x for x in NOUNS if x not in first]
        second = [*first[:shared], *random.permutation(others)[: 5 - shared]]
        found.append(Example(i, " ".join(first), " ".join(random.permutation(second)), float(shared)))
    return found


def test_of_pairs_the_likeness_of_the_texts_is_seen():
    train, rows = alike(200, seed=0), alike(80, seed=1)
    found = baselines("number", train, rows, LABELS, seed=0)["tfidf_ridge"]
    assert value("number", rows, found, "pearson") > 0.9


@pytest.mark.parametrize("train", [[Example(0, "x y", label=3.0)], [Example(i, " ", label=3.0) for i in range(5)]])
def test_where_there_is_nothing_to_learn_a_number_is_the_mean(train):
    found = baselines("number", train, [Example(0, "x")], LABELS, seed=0)
    assert found == {"mean": [3.0], "tfidf_ridge": [3.0]}


def tagged(i, text, tags):
    """Returns an example of words with a blank between them."""
    ends = np.cumsum([len(word) + 1 for word in text.split()]).tolist()
    bounds = tuple((end - len(word) - 1, end - 1) for word, end in zip(text.split(), ends, strict=True))
    return Example(i, text, label=tuple(tags.split()), words=bounds)


def test_of_tags_each_word_has_its_commonest_one_and_entities_begin():
    train = [
        tagged(0, "in New York now", "O B-LOC I-LOC O"),
        tagged(1, "New idea in New York", "O O O B-LOC I-LOC"),
        tagged(2, "Ada saw York", "B-PER O I-LOC"),
    ]
    rows = [tagged(0, "Ada saw New York", "B-PER O B-LOC I-LOC"), tagged(1, "York fell", "B-LOC O")]
    found = baselines("tags", train, rows, LABELS, seed=0)
    assert found == {"lexicon": [["B-PER", "O", "B-LOC", "I-LOC"], ["B-LOC", "O"]]}
    assert value("tags", rows, found["lexicon"], "entity_f1") == 1.0


def asked(n, seed):
    """Returns questions whose answer stands in the sentence that names the same thing."""
    random, found = np.random.default_rng(seed), []
    for i in range(n):
        things, numbers = random.permutation(NOUNS)[:4], random.permutation(1000)[:4]
        context = " ".join(f"The {thing} costs {number} coins." for thing, number in zip(things, numbers, strict=True))
        answer = str(numbers[i % 4])
        question = f"How many coins is what the {things[i % 4]} costs?"
        found.append(Example(i, question, context, (Answer(answer, context.index(answer)),)))
    return found


def test_of_questions_the_sentence_that_shares_most_words_has_the_answer():
    rows = asked(60, seed=1)
    found = baselines("span", asked(60, seed=0), rows, LABELS, seed=0)
    assert list(found) == ["overlap"]
    assert value("span", rows, found["overlap"], "f1") > 0.9
    assert all(answer in row.text_pair for answer, row in zip(found["overlap"], rows, strict=True))


def test_where_questions_may_have_no_answer_saying_so_is_a_baseline():
    train = [*asked(9, seed=0), Example(9, "Who?", "Nobody knows.", ())]
    rows = [Example(0, "Who?", "Nobody knows.", ()), Example(1, "Who?", "", ())]
    found = baselines("span", train, rows, LABELS, seed=0)
    assert found["no_answer"] == ["", ""]
    assert found["overlap"][1] == ""
    assert baselines("span", train[-1:], rows, LABELS, seed=0)["no_answer"] == ["", ""]


def test_of_written_answers_the_better_copy_is_taken():
    source = "The engine failed at noon. Nobody knew why! It was repaired by the evening of the next day."
    rows = [Example(0, "One thing. Another thing.")]
    short = baselines("text", [Example(0, source, label="engine failed at noon")], rows, LABELS, seed=0)
    long = baselines("text", [Example(0, source, label=source.upper())], rows, LABELS, seed=0)
    assert (short, long) == ({"copy": ["One thing."]}, {"copy": ["One thing. Another thing."]})


@pytest.mark.parametrize("output", ["classes", "number", "tags", "span", "text"])
def test_training_examples_without_labels_are_refused(output):
    with pytest.raises(InputError, match="at least one training example"):
        baselines(output, [], [], LABELS, seed=0)
    with pytest.raises(InputError, match=r"train labels\[0\] is None"):
        baselines(output, [Example(0, "x", "y")], [], LABELS, seed=0)


@pytest.mark.parametrize(
    ("output", "train"),
    [
        ("classes", described(9, seed=0)),
        ("number", priced(9, seed=0)),
        ("tags", [tagged(0, "a", "O")]),
        ("span", asked(4, seed=0)),
        ("text", [Example(0, "a", label="a")]),
    ],
)
def test_no_rows_give_no_predictions(output, train):
    assert all(found == [] for found in baselines(output, train, [], LABELS, seed=0).values())
