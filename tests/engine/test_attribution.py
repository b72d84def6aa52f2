"""Integrated gradients: completeness, a brute-force integral, linear models, every family, the same each time."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from nlptl.core.records import Example, Features
from nlptl.engine import attribution, batching, inference
from nlptl.engine.attribution import Question, attribute
from tests import tiny, tiny_models

ALL = (*tiny.FAMILIES, *tiny_models.OTHERS)
ROWS = [Example(0, "a great film but a long story and the worst end", label="good")]


def asked(pretrained, features, value=lambda outputs: outputs[:, 1]):
    """Asks for the second logit, with every token but the first and the last replaced by padding."""
    replaced = np.ones(len(features.input_ids), bool)
    replaced[features.offsets[:-1]] = replaced[features.offsets[1:] - 1] = False
    return Question(value, pretrained.tokenizer.pad_token_id or 0, replaced)


def without_words(features, question):
    """Returns the features with the baseline token written into the text itself."""
    ids = np.where(question.replaced, question.baseline, features.input_ids).astype(np.int32)
    return dataclasses.replace(features, input_ids=ids)


@pytest.mark.parametrize("pooling", ["native", "mean"])
@pytest.mark.parametrize("family", ALL)
def test_attributions_add_up_to_the_difference_to_the_text_of_baseline_tokens(tiny_folders, family, pooling):
    pretrained = tiny.load(tiny_folders[family], pooling)
    features = tiny.features(pretrained, ROWS)
    question = asked(pretrained, features)
    found = attribute(pretrained.module, features, question, tiny.fp32())
    ends = [
        float(inference.answers(pretrained.module, some, tiny.fp32())[0, 1])
        for some in (without_words(features, question), features)
    ]
    assert [found.baseline, found.value] == pytest.approx(ends, abs=1e-5)
    assert found.tokens.sum() == pytest.approx(ends[1] - ends[0], abs=max(0.02 * abs(ends[1] - ends[0]), 1e-3))
    assert found.tokens[[0, -1]].tolist() == [0, 0]
    assert np.count_nonzero(found.tokens) == question.replaced.sum()
    assert not [m for m in pretrained.module.modules() if m._forward_hooks]


@pytest.mark.parametrize("family", ["t5", "bart"])
def test_likelihoods_of_label_names_are_explained_by_what_the_encoder_reads(tiny_folders, family):
    pretrained = tiny.load(tiny_folders[family], "label_words")
    features = tiny.features(pretrained, ROWS)
    assert attribute(pretrained.module, features, asked(pretrained, features), tiny.fp32()).is_complete


def by_differences(pretrained, features, question, n=400):
    """Returns the integral from slopes by finite differences of each token's embedding, in many steps: no gradients."""
    module, tokens = pretrained.module, np.flatnonzero(question.replaced)
    embedding = module.token_embedding()
    batch, missing = batching.collate(features, np.array([0]), torch.device("cpu")), embedding.weight[question.baseline]
    way = (embedding.weight[batch.input_ids] - missing) * torch.from_numpy(question.replaced)[:, None]

    def value(shares):
        hook = embedding.register_forward_hook(
            lambda *_: (embedding.weight[batch.input_ids] - way + shares[:, None] * way)[None]
        )
        with torch.no_grad():
            found = float(module(batch)[0, 1])
        hook.remove()
        return found

    found, h = np.zeros(len(features.input_ids)), 1e-3
    for point in (np.arange(n) + 0.5) / n:
        for token in tokens:
            moved = torch.full((len(way),), float(point), dtype=torch.float64)
            ends = []
            for step in (h, -h):
                shares = moved.clone()
                shares[token] += step
                ends.append(value(shares))
            found[token] += (ends[0] - ends[1]) / (2 * h) / n
    return found


def test_attributions_are_the_integral_computed_by_brute_force(tiny_folders, monkeypatch):
    monkeypatch.setattr(attribution, "FEWEST_STEPS", 256)
    pretrained = tiny.load(tiny_folders["bert"])
    features = tiny.features(pretrained, [Example(0, "a great film", label="good")])
    question = asked(pretrained, features)
    found = attribute(pretrained.module, features, question, tiny.fp32())
    pretrained.module.net.double()
    np.testing.assert_allclose(found.tokens, by_differences(pretrained, features, question, 64), atol=2e-4)


class BagOfWords(nn.Module):
    """The mean of the tokens' embeddings, or a function of it that bends."""

    def __init__(self, bend=lambda x: x):
        super().__init__()
        torch.manual_seed(0)
        self.embedding, self.head, self.bend = nn.Embedding(10, 4), nn.Linear(4, 2), bend

    def token_embedding(self):
        return self.embedding

    def forward(self, batch, cut=0):
        rows = self.embedding(batch.input_ids).view(len(batch.lengths), -1, 4)
        return self.bend(self.head(rows.mean(1)))


def row_of(*ids):
    n = len(ids)
    return Features(np.array(ids, np.int32), None, np.array([0, n]), np.zeros(1, int), np.zeros(1), np.array([n]))


def test_of_a_linear_model_over_the_mean_of_the_words_each_attribution_is_exact():
    model = BagOfWords()
    ids = [3, 4, 3, 7]
    found = attribute(model, row_of(*ids), Question(lambda x: x[:, 0], 0, np.ones(4, bool)), tiny.fp32())
    with torch.no_grad():
        exact = (model.embedding.weight[ids] - model.embedding.weight[0]) @ model.head.weight[0] / 4
    np.testing.assert_allclose(found.tokens, exact.numpy(), atol=1e-6)
    assert found.n_steps == 32


def test_steps_are_doubled_until_the_values_add_up():
    model, token = steps_between(BagOfWords())
    with torch.no_grad():
        middle = model.head(model.embedding.weight[[0, token]])[:, 0].mean()
    model.bend = lambda x: torch.tanh(200 * (x - middle))  # a step of a hundredth of the way
    question = Question(lambda x: x[:, 0], 0, np.ones(3, bool))
    found = attribute(model, row_of(token, token, token), question, tiny.fp32())
    assert 32 < found.n_steps < attribution.MOST_STEPS
    assert abs(found.error) <= 0.02 * abs(found.value - found.baseline)


def test_a_jump_that_no_number_of_steps_finds_is_said():
    model, token = steps_between(BagOfWords(lambda x: torch.sign(x) + 0 * x))
    question = Question(lambda x: x[:, 0], 0, np.ones(3, bool))
    found = attribute(model, row_of(token, token, token), question, tiny.fp32())
    assert (found.is_complete, found.n_steps, abs(found.error)) == (False, attribution.MOST_STEPS, 2)


def steps_between(model):
    """Returns the model, and a token whose first output has another sign than that of the baseline, token 0."""
    signs = model.head(model.embedding.weight)[:, 0].sign()
    return model, int(torch.nonzero(signs != signs[0])[0])


def test_several_features_count_as_their_mean(tiny_folders):
    pretrained = tiny.load(tiny_folders["bert"], "mean")
    rows = [Example(0, "a great film"), Example(1, "the worst end of my life")]
    both = tiny.features(pretrained, rows)
    alone = []
    for row in rows:
        features = tiny.features(pretrained, [row])
        alone.append(attribute(pretrained.module, features, asked(pretrained, features), tiny.fp32()))
    found = attribute(pretrained.module, both, asked(pretrained, both), tiny.fp32())
    np.testing.assert_allclose(found.tokens, np.concatenate([one.tokens for one in alone]) / 2, atol=1e-6)
    assert found.value == pytest.approx(np.mean([one.value for one in alone]), abs=1e-6)


def test_attributions_are_the_same_each_time_and_however_many_points_run_at_once(tiny_folders, monkeypatch):
    pretrained = tiny.load(tiny_folders["roberta"])
    features = tiny.features(pretrained, ROWS)
    question = asked(pretrained, features)
    first, again = (attribute(pretrained.module, features, question, tiny.fp32()) for _ in range(2))
    np.testing.assert_array_equal(first.tokens, again.tokens)
    monkeypatch.setattr(attribution, "at_once", lambda _: 1)
    one_by_one = attribute(pretrained.module, features, question, tiny.fp32())
    np.testing.assert_allclose(one_by_one.tokens, first.tokens, atol=1e-5)
