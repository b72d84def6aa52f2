"""The hybrid's head is scikit-learn's over both blocks of columns; alone, its words are TF-IDF."""

import dataclasses

import numpy as np
import pytest
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from nlptl.core.errors import InputError
from nlptl.core.probabilities import softmax
from nlptl.core.terms import TOKEN, Terms
from nlptl.engine import inference
from nlptl.engine.prefix import Prefix
from nlptl.engine.store import Store
from nlptl.methods.hybrid import TERM_WEIGHTS, Hybrid
from nlptl.runs.encoding import encode
from nlptl.tasks.sentiment import Sentiment
from tests import tiny


def fit(folder, method, labels=tiny.LABELS, n=83):
    """Returns the model with a fitted head, its rows, what was chosen, the vectors and the features."""
    pretrained = tiny.prepared(folder, method, "mean", labels=labels)
    rows = tiny.examples(n, labels)
    method.read(pretrained, rows)
    features = encode(Sentiment(), rows, pretrained)
    vectors = Prefix(pretrained.module, features, tiny.fp32(), Store(1.0, None)).vectors.numpy()
    chosen = method.fit_head(pretrained, vectors, features, np.ones(len(rows)), seed=0)
    return pretrained, rows, chosen, vectors, features


def tfidf(rows):
    return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=TOKEN).fit_transform(
        [row.text for row in rows]
    )


def probabilities(pretrained, features):
    return softmax(inference.answers(pretrained.module, features, tiny.fp32()))


@pytest.mark.parametrize("labels", [tiny.LABELS, tiny.THREE], ids=["two", "three"])
@pytest.mark.parametrize("balance", [0.0, 1.0, 3.0])
def test_it_predicts_what_scikit_learn_predicts(tiny_folders, labels, balance):
    method = Hybrid(balances=(balance,), strengths=(5.0,))
    pretrained, rows, chosen, vectors, features = fit(tiny_folders["bert"], method, labels)
    scaled = StandardScaler().fit_transform(vectors) * balance / np.sqrt(vectors.shape[1])
    both = hstack([csr_matrix(scaled), tfidf(rows)], format="csr")
    expected = LogisticRegression(C=5.0, max_iter=1000).fit(both, features.labels).predict_proba(both)
    np.testing.assert_allclose(probabilities(pretrained, features), expected, atol=2e-3)
    assert (chosen["balance"], chosen["strength"]) == (balance, 5.0)


def test_the_setting_with_the_least_loss_on_rows_held_out_is_chosen(tiny_folders):
    _, _, chosen, _, _ = fit(tiny_folders["bert"], Hybrid())
    losses = chosen["cross_validation"]
    assert len(losses) == 4 + 2
    best = min(losses, key=losses.get)
    assert best == f"balance {chosen['balance']:g}, strength {chosen['strength']:g}"


def test_what_is_saved_loads_with_equal_answers(tiny_folders, tmp_path):
    pretrained, rows, _, _, features = fit(tiny_folders["bert"], Hybrid())
    pretrained.config = dataclasses.replace(pretrained.config)
    Hybrid().save(pretrained, tmp_path)
    other = tiny.prepared(tiny_folders["bert"], Hybrid(), "mean", seed=5)
    Hybrid().load(other, tmp_path)
    again = encode(Sentiment(), rows, other)
    np.testing.assert_array_equal(again.terms.toarray(), features.terms.toarray())
    np.testing.assert_array_equal(
        inference.answers(other.module, again, tiny.fp32()), inference.answers(pretrained.module, features, tiny.fp32())
    )


@pytest.mark.parametrize("name", ["terms.json", "terms.safetensors", TERM_WEIGHTS, "head.safetensors"])
@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_a_damaged_file_is_named(tiny_folders, tmp_path, name, damage):
    pretrained, *_ = fit(tiny_folders["bert"], Hybrid(balances=(1.0,), strengths=(1.0,)))
    Hybrid().save(pretrained, tmp_path)
    if damage == "missing":
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:40])
    with pytest.raises(InputError, match=name.partition(".")[0]):
        Hybrid().load(tiny.prepared(tiny_folders["bert"], Hybrid(), "mean"), tmp_path)


def test_terms_of_unseen_words_are_zero_and_rows_have_length_one(tiny_folders):
    pretrained, rows, *_ = fit(tiny_folders["bert"], Hybrid(balances=(1.0,), strengths=(1.0,)))
    terms = pretrained.terms
    assert isinstance(terms, Terms)
    unseen = [dataclasses.replace(rows[0], text="xyzzy plugh"), rows[1]]
    found = terms.rows(unseen)
    assert found.dtype == np.float32
    assert found[0].nnz == 0
    assert np.sqrt(found[1].multiply(found[1]).sum()) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"balances": ()}, "balances"), ({"balances": (-1.0,)}, "balances"), ({"strengths": (0.0,)}, "strengths")],
)
def test_fields_out_of_range_are_refused(fields, words):
    with pytest.raises(InputError, match=words):
        Hybrid(**fields)


def test_texts_without_a_word_are_refused(tiny_folders):
    pretrained = tiny.prepared(tiny_folders["bert"], Hybrid(), "mean")
    with pytest.raises(InputError, match="no word"):
        Hybrid().read(pretrained, [dataclasses.replace(row, text=" ") for row in tiny.examples(4)])


def test_transformers_own_head_is_refused(tiny_folders):
    with pytest.raises(InputError, match="pooling mean"):
        tiny.prepared(tiny_folders["bert"], Hybrid(), "native")
