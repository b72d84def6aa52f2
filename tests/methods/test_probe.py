"""The probe's head is scikit-learn's: standardized vectors, logistic regression, a strength by cross-validation."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nlptl.core.records import Features
from nlptl.engine.prefix import Prefix
from nlptl.engine.store import Store
from nlptl.methods.parts import folds
from nlptl.methods.probe import Probe, _tagged
from nlptl.tasks.sentiment import Sentiment
from tests import tiny


def fit(folder, labels=tiny.LABELS, method=None, n=90, class_weights="none", pooling="mean"):
    """Returns the model with a fitted head, what was chosen, and the vectors, labels and weights it was fitted on."""
    method = method or Probe()
    pretrained = tiny.prepared(folder, method, pooling, labels=labels)
    rows = tiny.examples(n, labels)[: n - 7]  # the classes are not even
    features = tiny.features(pretrained, rows)
    vectors = Prefix(pretrained.module, features, tiny.fp32(), Store(1.0, None)).vectors.numpy()
    weights = Sentiment().weights(features, labels, class_weights)
    chosen = method.fit_head(pretrained, vectors, features, weights, seed=0)
    return pretrained, rows, chosen, vectors, features.labels, weights


def pipeline(strength: float):
    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=1000, tol=1e-4))


@pytest.mark.parametrize("class_weights", ["none", "balanced"])
@pytest.mark.parametrize("labels", [tiny.LABELS, tiny.THREE], ids=["two", "three"])
@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_the_head_predicts_what_scikit_learns_pipeline_predicts(folder, labels, class_weights, pooling):
    pretrained, rows, chosen, vectors, ids, weights = fit(folder, labels, class_weights=class_weights, pooling=pooling)
    expected = pipeline(chosen["strength"]).fit(vectors, ids, logisticregression__sample_weight=weights)
    found = tiny.logits(pretrained, rows).softmax(-1).numpy()
    np.testing.assert_allclose(found, expected.predict_proba(vectors), atol=2e-3)
    assert (found.argmax(1) == expected.predict(vectors)).mean() > 0.98


def test_the_strength_with_the_least_loss_in_cross_validation_is_chosen(tiny_folders):
    _, _, chosen, vectors, ids, _ = fit(tiny_folders["bert"])
    scaled = StandardScaler().fit_transform(vectors)
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    for strength, loss in chosen["cross_validation"].items():
        model = LogisticRegression(C=float(strength), max_iter=1000, tol=1e-4)
        expected = -cross_val_score(model, scaled, ids, cv=folds, scoring="neg_log_loss").mean()
        assert loss == pytest.approx(expected, rel=1e-3)
    tried = list(chosen["cross_validation"].values())
    assert all(loss <= 1.02 * min(tried[: i + 1]) for i, loss in enumerate(tried[:-1]))
    assert len(tried) == 5 or tried[-1] > 1.02 * min(tried)
    assert chosen["strength"] == float(min(chosen["cross_validation"], key=chosen["cross_validation"].get))


def test_one_strength_is_taken_without_a_search(tiny_folders):
    chosen = fit(tiny_folders["bert"], method=Probe(strengths=(0.3,)))[2]
    assert (chosen["strength"], chosen["cross_validation"]) == (0.3, {})


def test_a_search_on_some_rows_fits_all_rows(tiny_folders):
    method = Probe(n_search=30)
    pretrained, rows, chosen, vectors, ids, _ = fit(tiny_folders["bert"], method=method)
    expected = pipeline(chosen["strength"]).fit(vectors, ids).predict_proba(vectors)
    np.testing.assert_allclose(tiny.logits(pretrained, rows).softmax(-1).numpy(), expected, atol=2e-3)


def test_a_class_of_a_single_row_is_held_out_at_random(tiny_folders):
    pretrained = tiny.prepared(tiny_folders["bert"], Probe(), "mean")
    rows = [row for row in tiny.examples(20) if row.label == "bad" or row.row_id == 1]
    features = tiny.features(pretrained, rows)
    vectors = Prefix(pretrained.module, features, tiny.fp32(), Store(1.0, None)).vectors.numpy()
    chosen = Probe().fit_head(pretrained, vectors, features, np.ones(len(rows)), seed=0)
    assert chosen["cross_validation"][str(chosen["strength"])] == min(chosen["cross_validation"].values())


def test_two_rows_are_too_few_to_hold_any_out(tiny_folders):
    pretrained = tiny.prepared(tiny_folders["bert"], Probe(), "mean")
    features = tiny.features(pretrained, tiny.examples(2))
    vectors = Prefix(pretrained.module, features, tiny.fp32(), Store(1.0, None)).vectors.numpy()
    chosen = Probe().fit_head(pretrained, vectors, features, np.ones(2), seed=0)
    assert (chosen["strength"], chosen["cross_validation"]) == (1.0, {})


def test_fitting_is_repeatable_and_touches_the_head_only(tiny_folders):
    one, two = (tiny.state(fit(tiny_folders["roberta"])[0].module) for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)
    start = tiny.state(tiny.prepared(tiny_folders["roberta"], Probe(), "mean").module)
    assert {n for n in one if not torch.equal(one[n], start[n])} == {"net.classifier.weight", "net.classifier.bias"}


def test_a_probe_needs_no_room_in_the_cache(tiny_folders):
    pretrained = tiny.prepared(tiny_folders["bert"], Probe(), "mean")
    features = tiny.features(pretrained)
    assert Prefix(pretrained.module, features, tiny.fp32(), store=None).vectors.shape == (24, 32)


def test_words_of_one_sentence_are_never_on_both_sides_of_a_fold():
    example = np.repeat(np.arange(40), 5)
    found = folds.of_examples(example, 3, n_search=100, seed=0)
    assert len(found) == 3
    for fit, held_out in found:
        assert not set(example[fit]) & set(example[held_out])
        assert len(fit) + len(held_out) == 100
    assert folds.of_examples(np.zeros(9, int), 3, n_search=100, seed=0) == []


def test_every_tagged_word_weighs_the_same_in_a_tag_probe():
    labels = np.array([[0, -100, -100, -100], [1, 2, 1, -100]])
    features = Features(
        input_ids=np.zeros(7, np.int32),
        token_type_ids=None,
        offsets=np.array([0, 4, 7]),
        example=np.arange(2),
        labels=labels,
        full_lengths=np.array([4, 3]),
    )
    vectors, found, weights, example = _tagged(np.arange(7.0)[:, None], features, np.array([1.0, 3.0]))
    assert vectors[:, 0].tolist() == [0, 4, 5, 6]
    assert (found.tolist(), weights.tolist(), example.tolist()) == ([0, 1, 2, 1], [1, 1, 1, 1], [0, 1, 1, 1])
