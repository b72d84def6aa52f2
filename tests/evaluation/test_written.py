"""Metrics of written answers against rouge-score and sacrebleu."""

import numpy as np
import pytest
import sacrebleu
from rouge_score.rouge_scorer import RougeScorer

from nlptl.core.errors import InputError
from nlptl.core.records import Answer, LabelSpace
from nlptl.evaluation.kinds.text import METRICS
from tests.evaluation.bare import score

LABELS = LabelSpace(("text",))
WORDS = ("the", "cat", "sat", "on", "a", "mat,", "Über", "straße", "it's", "3.5", "x", "-", "dog.", "日本")


def texts(n, seed):
    """Returns texts of 0 to 14 words."""
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, random.integers(0, 15))) for _ in range(n)]


def pairs():
    """Returns references and predictions that repeat most of their words, some of them empty."""
    random, references = np.random.default_rng(9), texts(200, seed=0)
    kept = [[word for word in text.split() if random.random() < 0.85] for text in references]
    return references, [" ".join(words) for words in kept]


def values(references, predictions):
    """Returns the value of each metric."""
    found = score("text", references, predictions, LABELS, n_bootstrap=5, seed=0)
    return {name: interval.value for name, interval in found.metrics.items()}


def test_rouge_equals_rouge_score():
    references, predictions = pairs()
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"])
    rows = [scorer.score(wanted, found) for wanted, found in zip(references, predictions, strict=True)]
    expected = {name: np.mean([row[name].fmeasure for row in rows]) for name in rows[0]}
    measured = values(references, predictions)
    assert {name: measured[name] for name in expected} == pytest.approx(expected, abs=1e-12)


def test_bleu_and_chrf_equal_sacrebleu_as_fractions():
    references, predictions = pairs()
    found = values(references, predictions)
    assert found["bleu"] == pytest.approx(sacrebleu.corpus_bleu(predictions, [references]).score / 100, abs=1e-12)
    assert found["chrf"] == pytest.approx(sacrebleu.corpus_chrf(predictions, [references]).score / 100, abs=1e-12)
    assert 0.3 < found["bleu"] < found["chrf"] < 1


def test_several_accepted_texts_are_compared_as_sacrebleu_and_rouge_score_do():
    first, predictions = pairs()
    second = texts(200, seed=3)
    references = [(Answer(a, -1), Answer(b, -1)) for a, b in zip(first, second, strict=True)]
    found = values(references, predictions)
    both = [first, second]
    assert found["bleu"] == pytest.approx(sacrebleu.corpus_bleu(predictions, both).score / 100, abs=1e-12)
    assert found["chrf"] == pytest.approx(sacrebleu.corpus_chrf(predictions, both).score / 100, abs=1e-12)
    scorer = RougeScorer(["rougeL"])
    expected = [scorer.score_multi(two, p)["rougeL"].fmeasure for *two, p in zip(*both, predictions, strict=True)]
    assert found["rougeL"] == pytest.approx(np.mean(expected))


@pytest.mark.parametrize(
    ("references", "predictions"),
    [(["x y z"], [""]), ([""], ["x y z"]), ([""], [""]), ([()], [""]), (["a b"], ["c d"]), (["a"], ["a"])],
)
def test_short_and_empty_texts_equal_sacrebleu(references, predictions):
    found = values(references, predictions)
    plain = [[reference or "" for reference in references]]
    assert found["bleu"] == pytest.approx(sacrebleu.corpus_bleu(predictions, plain).score / 100)
    assert found["chrf"] == pytest.approx(sacrebleu.corpus_chrf(predictions, plain).score / 100)


def test_a_reference_that_is_too_short_for_an_order_equals_sacrebleu_among_longer_ones():
    references, predictions = ["ab", "longer references here"], ["about this", "longer reference"]
    expected = sacrebleu.corpus_chrf(predictions, [references]).score / 100
    assert values(references, predictions)["chrf"] == pytest.approx(expected, abs=1e-12)


def test_resamples_of_bleu_and_chrf_are_those_of_sacrebleu():
    references, predictions = (column[:40] for column in pairs())
    found = score("text", references, predictions, LABELS, n_bootstrap=1, seed=4)
    rows = np.random.default_rng(4).integers(0, 40, 40)
    wanted, given = [references[i] for i in rows], [predictions[i] for i in rows]
    for name, reference in (("bleu", sacrebleu.corpus_bleu), ("chrf", sacrebleu.corpus_chrf)):
        drawn = reference(given, [wanted]).score / 100
        ends = (found.metrics[name].low, found.metrics[name].high)
        assert min(abs(end - drawn) for end in ends) < 1e-12


def test_words_are_compared_without_case_articles_and_punctuation():
    found = values(["The cat sat.", (Answer("x", 0), Answer("dog", 0))], ["cat sat", "big dog"])
    assert found["exact_match"] == 0.5
    assert found["f1"] == pytest.approx((1 + 2 / 3) / 2)


def test_the_metrics_of_a_perfect_copy_are_one():
    references = [f"{text} and four more words" for text in texts(20, seed=1)]
    assert values(references, references) == pytest.approx(dict.fromkeys(METRICS, 1.0))


def test_a_prediction_that_is_no_text_is_refused():
    with pytest.raises(InputError, match=r"predictions\[0\] is \['x'\], expected a text"):
        values(["x"], [["x"]])
