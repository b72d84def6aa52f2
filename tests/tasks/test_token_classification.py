"""Tags for words: the first token carries the tag, and tags become entities with the characters of the user's text."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from nlptl.core.config import ModelConfig
from nlptl.core.records import Corpus, Example, LabelSpace
from nlptl.models import loading
from nlptl.tasks.token_classification import UNKNOWN, TokenClassification
from tests import tiny

TASK = TokenClassification(overlap=2)
TEXT = "great story the film is good and the end is great but the music is not bad"
WORDS = TEXT.split()
TAGS = ["B-X", "I-X", *["O"] * (len(WORDS) - 4), "O", "B-Y"]


def example(tags=TAGS, text=TEXT) -> Example:
    starts = np.cumsum([0, *(len(w) + 1 for w in text.split())])
    words = tuple((int(s), int(s) + len(w)) for s, w in zip(starts, text.split(), strict=False))
    return Example(0, text, None, tuple(tags[: len(words)]), words)


@pytest.fixture(params=tiny.FAMILIES)
def pretrained(request, tiny_folders):
    config = ModelConfig(name=str(tiny_folders[request.param]), max_length=12)
    return loading.load(config, loading.Wanted("tags", TASK.label_space([example()], None)), seed=1)


def sure(features, tags, labels: LabelSpace) -> np.ndarray:
    """Returns logits that are sure of each word's tag at its first token and of O elsewhere."""
    logits = np.zeros((len(features.input_ids), len(labels.names)), np.float32)
    logits[:, 0] = 3.0
    starts = [w[0] for w in example().words]
    for token, (start, _) in enumerate(features.spans):
        if start in starts:
            logits[token] = 0.0
            logits[token, labels.names.index(tags[starts.index(start)])] = 8.0
    return logits


def test_the_label_space_is_o_then_begin_and_inside_of_each_type():
    assert TASK.label_space([example()], ("B-Z",)).names == ("O", "B-X", "I-X", "B-Y", "I-Y")


def test_every_word_has_its_tag_at_one_token_of_each_window_that_holds_it(pretrained):
    row = example()
    features = TASK.encode([row], pretrained)
    assert len(features) > 1
    seen = set()
    for i in range(len(features)):
        spans = features.spans[features.offsets[i] : features.offsets[i + 1]]
        for token in np.flatnonzero(features.labels[i, : len(spans)] != UNKNOWN):
            word = [w[0] for w in row.words].index(spans[token, 0])
            assert pretrained.labels.names[features.labels[i, token]] == row.label[word]
            seen.add(word)
    assert seen == set(range(len(WORDS)))


def test_sure_logits_give_the_tags_and_the_entities_with_their_characters(pretrained):
    row = example()
    features = TASK.encode([row], pretrained)
    found = TASK.decode(sure(features, TAGS, pretrained.labels), features, [row], pretrained)[0]
    assert found.prediction == TAGS
    assert [(s["text"], s["label"], TEXT[s["start"] : s["end"]]) for s in found.spans] == [
        ("great story", "X", "great story"),
        ("bad", "Y", "bad"),
    ]
    assert all(0.9 < s["score"] <= 1 for s in found.spans)


def test_an_inside_tag_that_continues_nothing_begins_an_entity(pretrained):
    row = example()
    tags = ["O", "I-X", "I-Y", "B-X", *["O"] * (len(WORDS) - 4)]
    features = TASK.encode([row], pretrained)
    found = TASK.decode(sure(features, tags, pretrained.labels), features, [row], pretrained)[0]
    assert found.prediction[:4] == ["O", "B-X", "B-Y", "B-X"]
    assert [s["text"] for s in found.spans] == ["story", "the", "film"]


def test_words_without_a_token_are_counted_and_tagged_outside(pretrained):
    row = Example(0, "good \u200b\u200b film", None, ("B-X", "O", "B-Y"), ((0, 4), (5, 5), (8, 12)))
    features = TASK.encode([row], pretrained)
    found = TASK.findings({"train": features}, Corpus({"train": [row]}, None, {}, ()), pretrained)
    assert [(f.kind, f.n) for f in found] == [("lost_words", 1)]
    logits = np.zeros((len(features.input_ids), 5), np.float32)
    assert TASK.decode(logits, features, [row], pretrained)[0].prediction[1] == "O"


def test_losses_are_the_mean_cross_entropies_of_tagged_tokens():
    logits = torch.randn(7, 3, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[0, -100, 2, -100, -100], [-100, 1, -100, 2, -100]])
    batch = tiny.sequences([3, 4], labels)
    found = TASK.losses(logits, batch, smoothing=0.1, likelihood=False)
    for i, own in enumerate(logits.split([3, 4])):
        expected = functional.cross_entropy(own, labels[i, : len(own)], ignore_index=-100, label_smoothing=0.1)
        assert found[i] == pytest.approx(expected.item(), abs=1e-6)


def test_a_feature_without_a_tag_adds_nothing():
    batch = tiny.sequences([2], torch.full((1, 2), UNKNOWN))
    assert TASK.losses(torch.randn(2, 3), batch, smoothing=0.0, likelihood=False).tolist() == [0.0]


def test_rare_tags_weigh_more_where_that_is_asked_for(pretrained):
    rows = [example(), example(["O"] * len(WORDS))]
    features = TASK.encode(rows, pretrained)
    plain = TASK.weights(features, pretrained.labels, "none")
    balanced = TASK.weights(features, pretrained.labels, "balanced")
    assert plain.sum() == (features.labels != UNKNOWN).sum()
    rare = (np.isin(features.labels, [3])).any(1)
    assert (balanced / plain)[rare].min() > (balanced / plain)[~rare].max() or (features.labels == 1).any()
