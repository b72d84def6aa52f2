"""One update is one update: micro-batches, cached prefixes and a plain loop give the same losses and gradients."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers
from torch.nn import functional

from nlptl.core.errors import InputError
from nlptl.core.records import LabelSpace
from nlptl.engine import batching, loop, optim, planning
from nlptl.methods.adapter import Adapter
from nlptl.methods.full import Full
from nlptl.methods.lora import LoRA
from nlptl.methods.partial import Partial
from nlptl.methods.probe import Probe
from tests import tiny

CUT = {
    "probe": Probe(),
    "partial": Partial(layers="last:1"),
    "lora": LoRA(rank=2, layers="last:1", dropout=0.0),
    "adapter": Adapter(layers="last:1"),
}
PLACES = [(f, m, "mean") for f in ("bert", "roberta") for m in CUT]
PLACES += [
    ("bert", "lora", "native"),
    ("roberta", "adapter", "native"),
    ("t5", "probe", "mean"),
    ("t5", "probe", "max"),
    ("t5", "partial", "mean"),
]
places = pytest.mark.parametrize("place", PLACES, ids="-".join)


@pytest.fixture
def sgd(monkeypatch):
    """Makes the loop step by minus the gradient: what changes is what was computed."""
    monkeypatch.setattr(
        optim,
        "optimizer",
        lambda trainable, lr, decay, **_: torch.optim.SGD(trainable, lr=lr, fused=True),
    )


def unmeasured(forward, weights):
    """Measures no step before training: its calls are counted."""
    return 0


def train(pretrained, tmp_path, **fields):
    """Returns losses and final weights of training on `tiny.examples()`."""
    class_weights = fields.pop("class_weights", "none")
    config = tiny.train_config(**{"max_grad_norm": 0.0} | fields)
    job, record = tiny.job(pretrained, tmp_path / "checkpoints", config, lr=0.1, class_weights=class_weights)
    loop.train(job, tiny.fp32())
    return record.losses, tiny.state(pretrained.module)


@pytest.mark.parametrize("tokens", [1, 40, 100])
@pytest.mark.parametrize("pooling", ["native", "mean"])
def test_micro_batches_give_the_loss_and_the_gradients_of_one_batch(folder, pooling, tokens, tmp_path, sgd):
    runs = []
    for most in (10_000, tokens):
        pretrained = tiny.prepared(folder, Full(), pooling, dropout=0.0)
        fields = {"batch_size": 24, "class_weights": "balanced", "label_smoothing": 0.1}
        runs.append(train(pretrained, tmp_path, micro_batch_tokens=most, **fields))
    (whole, after), (parts, found) = runs
    assert len(whole) == 1
    assert parts == pytest.approx(whole, rel=1e-5)
    torch.testing.assert_close(found, after, rtol=1e-4, atol=1e-5)


def test_micro_batches_hold_no_more_tokens_than_allowed(tiny_folders, tmp_path, monkeypatch):
    pretrained = tiny.prepared(tiny_folders["bert"], Full())
    monkeypatch.setattr(planning, "kept", unmeasured)
    seen = []
    pretrained.module.register_forward_pre_hook(lambda module, args: seen.append(len(args[0].input_ids)))
    train(pretrained, tmp_path, micro_batch_tokens=30)
    assert len(seen) > 3
    assert max(seen) <= 30
    assert sum(seen) == len(tiny.features(pretrained).input_ids)


@places
@torch.no_grad()
def test_a_cached_prefix_gives_exactly_the_logits_of_the_same_batch(place, tiny_folders):
    family, method, pooling = place
    pretrained = tiny.prepared(tiny_folders[family], CUT[method], pooling)
    module, batch = pretrained.module.eval(), tiny.batch(pretrained)
    cut = module.cut()
    assert cut == (2 if method == "probe" else 1)
    states = module.prefix(batch, cut)
    assert len(states) == (24 if method == "probe" else int(batch.lengths.sum()))
    assert torch.equal(module(replace(batch, states=states), cut), module(batch))


@places
def test_training_on_a_cached_prefix_is_training_on_a_recomputed_one(place, tiny_folders, tmp_path, sgd):
    family, method, pooling = place
    runs = []
    for gib in (4.0, 0.0):
        pretrained, calls = tiny.prepared(tiny_folders[family], CUT[method], pooling), []
        compute_below = pretrained.module.prefix
        pretrained.module.prefix = lambda *given, f=compute_below, c=calls: c.append(1) or f(*given)
        runs.append(train(pretrained, tmp_path, epochs=2, cache_gib=gib, cache_dir=str(tmp_path / "cache")))
        assert (len(calls) > 2) == (gib == 0)  # once for all rows in place of once for each update
    assert runs[0][0] == pytest.approx(runs[1][0], abs=1e-5)
    torch.testing.assert_close(runs[0][1], runs[1][1], rtol=0, atol=1e-6)


@pytest.mark.parametrize("method", [Full(), LoRA(rank=2), Adapter(bottleneck=4)], ids=["full", "lora", "adapter"])
def test_nothing_is_cached_where_the_first_layer_trains(folder, method):
    module = tiny.prepared(folder, method, "mean").module
    assert module.cut() == 0


def test_the_frozen_layers_are_computed_once(tiny_folders, tmp_path, monkeypatch):
    monkeypatch.setattr(planning, "kept", unmeasured)
    pretrained = tiny.prepared(tiny_folders["bert"], CUT["lora"], "mean")
    calls = {0: 0, 1: 0}
    for i, layer in enumerate(pretrained.module.net.backbone.encoder.layer):
        layer.register_forward_hook(lambda *_, i=i: calls.update({i: calls[i] + 1}))
    train(pretrained, tmp_path, epochs=3, cache_dir=str(tmp_path / "cache"))
    assert calls == {0: 1, 1: 9}


@pytest.mark.parametrize("schedule", ["linear", "constant"])
def test_the_losses_are_those_of_a_plain_torch_loop_on_padded_rows(folder, family, schedule, tmp_path):
    """The same order, AdamW groups and schedule, over transformers' own class and its own padding."""
    rows, lr, n_updates = tiny.examples(20), 2e-3, 5
    pretrained = tiny.prepared(folder, Full(), dropout=0.0)
    pretrained.module.net.save_pretrained(tmp_path / "start")
    config = tiny.train_config(batch_size=4, schedule=schedule, warmup=2, weight_decay=0.1, max_grad_norm=1.0, seed=3)
    job, record = tiny.job(pretrained, tmp_path / "checkpoints", config, rows, lr=lr)
    loop.train(job, tiny.fp32())

    auto = transformers.AutoModelForSequenceClassification
    model = auto.from_pretrained(tmp_path / "start", attn_implementation="eager").train()
    vectors = [p for p in model.parameters() if p.ndim == 1]
    matrices = [p for p in model.parameters() if p.ndim > 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=lr)
    expected = []
    for update, chosen in enumerate(batching.Order(20, 4, 3).updates(0)):
        share = (update + 1) / 2 if update < 2 else (n_updates - update) / 3 if schedule == "linear" else 1.0
        for group in optimizer.param_groups:
            group["lr"] = lr * share
        encoded = pretrained.tokenizer([rows[i].text for i in chosen], padding=True, return_tensors="pt")
        labels = torch.tensor([tiny.LABELS.ids[str(rows[i].label)] for i in chosen])
        loss = model(**encoded, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        expected.append(loss.item())
    assert record.losses == pytest.approx(expected, rel=1e-4)
    assert [line["lr"] for line in record.lines][-1] == pytest.approx(lr / 3 if schedule == "linear" else lr)
    assert np.ptp(expected) > 0.01


def test_label_words_are_the_token_cross_entropies_of_t5(tiny_folders, tmp_path):
    pretrained = tiny.load(tiny_folders["t5"], "label_words", labels=tiny.THREE)
    rows = tiny.examples(6, tiny.THREE)
    plain = transformers.T5ForConditionalGeneration.from_pretrained(tiny_folders["t5"]).eval()
    expected = torch.zeros(6, 3)
    for i, row in enumerate(rows):
        for j, name in enumerate(tiny.THREE.names):
            encoded = pretrained.tokenizer(row.text, return_tensors="pt")
            target = pretrained.tokenizer(name, return_tensors="pt").input_ids
            assert target[0, -1] == 1
            with torch.no_grad():
                expected[i, j] = -plain(**encoded, labels=target).loss * target.shape[1]
    lengths = {len(pretrained.tokenizer(name).input_ids) for name in tiny.THREE.names}
    assert len(lengths) > 1  # so the padding of the names matters
    torch.testing.assert_close(tiny.logits(pretrained, rows), expected, rtol=1e-5, atol=1e-4)


def test_label_words_train_on_the_likelihood_of_the_own_name(tiny_folders, tmp_path):
    pretrained = tiny.prepared(tiny_folders["t5"], Full(), "label_words", dropout=0.0)
    rows = tiny.examples(4)
    plain = transformers.T5ForConditionalGeneration.from_pretrained(tiny_folders["t5"]).eval()
    losses = []
    for row in rows:
        encoded, target = (pretrained.tokenizer(text, return_tensors="pt") for text in (row.text, row.label))
        with torch.no_grad():
            token = functional.cross_entropy(
                plain(**encoded, labels=target.input_ids).logits[0], target.input_ids[0], reduction="sum"
            )
        losses.append(token.item())
    job, record = tiny.job(pretrained, tmp_path, rows=rows)
    loop.train(job, tiny.fp32())
    assert record.losses == pytest.approx([np.mean(losses)], rel=1e-5)


def test_two_labels_with_the_same_tokens_are_refused_as_label_words(tiny_folders):
    with pytest.raises(InputError, match=r"gives two of \('☆', '★'\) the same tokens"):
        tiny.load(tiny_folders["t5"], "label_words", labels=LabelSpace(("☆", "★")))
