"""Training only the embedding rows that the data uses gives what training the whole embedding gives."""

from contextlib import suppress

import numpy as np
import pytest
import torch
from torch import nn

from nlptl.engine import checkpoint, loop, used_rows
from nlptl.engine.used_rows import UsedRows
from nlptl.methods.full import Full
from nlptl.methods.lora import LoRA
from tests import tiny
from tests.engine.test_resume import LAST, KilledError, assert_same, kill_at, stop_at
from tests.engine.test_resume import train as train_three_epochs

EMBEDDING = {
    "bert": "net.bert.embeddings.word_embeddings.weight",
    "roberta": "net.roberta.embeddings.word_embeddings.weight",
}


@pytest.fixture
def small(monkeypatch):
    """Makes the tiny models' embeddings large enough to be replaced."""
    monkeypatch.setattr(used_rows, "MIN_ROWS", 1)


def train(base, folder, min_rows, monkeypatch, **fields):
    """Returns losses, final weights, and which embedding rows the data uses."""
    monkeypatch.setattr(used_rows, "MIN_ROWS", min_rows)
    pretrained = tiny.prepared(base, Full(), dropout=0.0)
    job, record = tiny.job(pretrained, folder, tiny.train_config(epochs=2, **fields), lr=1e-3)
    loop.train(job, tiny.fp32())
    return record.losses, tiny.state(pretrained.module), np.unique(job.features.input_ids)


@pytest.mark.parametrize("family", EMBEDDING)
def test_without_decay_all_weights_come_out_as_those_of_the_whole_embedding(
    tiny_folders, tmp_path, monkeypatch, family
):
    # SGD: AdamW would make a step of any noise where a gradient is zero.
    def sgd(trainable, *_, **__):
        return torch.optim.SGD(trainable, lr=0.1, fused=True)

    monkeypatch.setattr(loop.optim, "optimizer", sgd)
    some, few, _ = train(tiny_folders[family], tmp_path / "a", 1, monkeypatch)
    whole, all_rows, _ = train(tiny_folders[family], tmp_path / "b", 10**9, monkeypatch)
    assert some == pytest.approx(whole, rel=1e-6)
    for name, weight in all_rows.items():
        torch.testing.assert_close(few[name], weight, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("family", EMBEDDING)
def test_rows_that_the_data_does_not_use_keep_their_pretrained_values(tiny_folders, tmp_path, monkeypatch, family):
    before = tiny.state(tiny.prepared(tiny_folders[family], Full(), dropout=0.0).module)[EMBEDDING[family]]
    losses, after, used = train(tiny_folders[family], tmp_path / "a", 1, monkeypatch, weight_decay=0.1)
    others, decayed, _ = train(tiny_folders[family], tmp_path / "b", 10**9, monkeypatch, weight_decay=0.1)
    unused = np.setdiff1d(np.arange(len(before)), used)
    assert 0 < len(unused) < len(before)
    assert torch.equal(after[EMBEDDING[family]][unused], before[unused])
    assert not torch.equal(decayed[EMBEDDING[family]][unused], before[unused])
    assert (after[EMBEDDING[family]][used] != before[used]).any(1).all()
    assert losses == pytest.approx(others, rel=1e-5)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("keep", ["best", "last"])
@pytest.mark.parametrize("show", [stop_at(4), kill_at(5)], ids=["ctrl-c", "killed"])
def test_a_resumed_run_ends_as_one_that_was_never_stopped(tiny_folders, tmp_path, keep, show):
    base, fields = tiny_folders["bert"], {"keep": keep, "checkpoint_every": 2}
    _, expected, _ = train_three_epochs(base, "full", tmp_path / "whole", **fields)
    with suppress(KilledError):
        train_three_epochs(base, "full", tmp_path / "stopped", show, **fields)
    newest = checkpoint.latest(tmp_path / "stopped")
    assert newest is not None
    progress, found, _ = train_three_epochs(base, "full", tmp_path / "stopped", newest=newest, **fields)
    assert progress.update == LAST
    assert_same(found, expected)


@pytest.mark.usefixtures("small")
def test_an_evaluation_sees_the_rows_as_trained_so_far_and_all_others(tiny_folders, tmp_path):
    pretrained = tiny.prepared(tiny_folders["bert"], Full())
    weight = pretrained.module.token_embedding().weight
    before, seen = weight.detach().clone(), []
    own = pretrained.module.token_embedding()

    def evaluate():
        seen.append((weight.detach() != before).any(1).nonzero()[:, 0].tolist())
        everything = torch.arange(len(weight))
        pretrained.module.eval()
        assert torch.equal(own(everything), weight)
        return {"accuracy": 1.0}

    job, _ = tiny.job(pretrained, tmp_path, evaluate=evaluate)
    loop.train(job, tiny.fp32())
    assert seen == [np.unique(job.features.input_ids).tolist()]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("place", ["frozen", "padded family", "tied", "own kind", "norms", "sparse"])
def test_where_the_rows_are_not_all_that_counts_nothing_is_replaced(tiny_folders, place):
    method = LoRA(rank=2) if place == "frozen" else Full()
    pretrained = tiny.prepared(tiny_folders["t5" if place == "padded family" else "bert"], method)
    embedding = pretrained.module.token_embedding()
    if place == "tied":
        pretrained.module.net.output = nn.Linear(*reversed(embedding.weight.shape), bias=False)
        pretrained.module.net.output.weight = embedding.weight
    if place == "own kind":
        embedding.__class__ = type("Scaled", (nn.Embedding,), {})
    if place == "norms":
        embedding.max_norm = 1.0
    embedding.sparse = place == "sparse"
    own = [id(p) for p in pretrained.module.parameters()]
    with UsedRows(pretrained.module, tiny.features(pretrained)):
        assert [id(p) for p in pretrained.module.parameters()] == own


@pytest.mark.usefixtures("small")
def test_while_it_trains_the_model_has_the_used_rows_only_and_afterwards_all(tiny_folders):
    pretrained = tiny.prepared(tiny_folders["bert"], Full())
    embedding, features = pretrained.module.token_embedding(), tiny.features(pretrained)
    whole, used = embedding.weight, np.unique(features.input_ids)
    expected = whole.detach().clone()
    with UsedRows(pretrained.module, features):
        assert torch.equal(embedding.weight, expected[used])
        assert embedding.weight.requires_grad
        with torch.no_grad():
            embedding.weight.add_(1)
    expected[used] += 1
    assert embedding.weight is whole
    assert torch.equal(whole, expected)


def scaled(self, input_ids):
    return nn.functional.embedding(input_ids, self.weight) * 2


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("changed", [scaled, lambda self, input_ids: self.no_such_table], ids=["other values", "gone"])
def test_where_an_embedding_computes_otherwise_it_is_trained_as_a_whole_and_that_is_said_once(
    tiny_folders, monkeypatch, caplog, changed
):
    monkeypatch.setattr(nn.Embedding, "forward", changed)
    used_rows._replaces_alike.cache_clear()
    pretrained = tiny.prepared(tiny_folders["bert"], Full())
    whole = pretrained.module.token_embedding().weight
    for _ in range(2):
        with UsedRows(pretrained.module, tiny.features(pretrained)):
            assert pretrained.module.token_embedding().weight is whole
    used_rows._replaces_alike.cache_clear()
    (said,) = caplog.messages
    assert said.startswith("the forward pass of nn.Embedding of torch ")
