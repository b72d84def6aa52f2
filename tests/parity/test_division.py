"""With dropout, too, an update is the same however it is divided over batches, processes and passes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers

from nlptl.core import kinds, registry
from nlptl.engine import loop, optim
from nlptl.engine.update import Updates
from nlptl.methods.adapter import Adapter
from nlptl.methods.full import Full
from nlptl.methods.lora import LoRA
from tests import tiny
from tests.models.families import reference
from tests.parity.test_updates import train

METHODS = {"full": Full(), "lora": LoRA(rank=2, dropout=0.3), "adapter": Adapter(bottleneck=4, dropout=0.3)}
FAMILIES = {name: registry.load("family", name) for name in registry.names("family")}
BY_ROW = [name for name, family in FAMILIES.items() if family.drops_by_row]
PACKED = [name for name, family in FAMILIES.items() if family.packs]
OUTPUTS = [(name, kind.name) for name in BY_ROW for kind in kinds.KINDS.values() if kind.head in FAMILIES[name].heads]
CASES = [(name, method, "native") for name in BY_ROW for method in METHODS]
CASES += [("bert", "full", "mean"), ("gpt2", "full", "max"), ("t5", "full", "label_words")]


@pytest.fixture
def sgd(monkeypatch):
    """Makes the loop step by minus the gradient: AdamW would make a step of the noise where a gradient is zero."""
    monkeypatch.setattr(optim, "optimizer", lambda own, lr, *_, **__: torch.optim.SGD(own, lr=lr / 10, fused=True))


def losses_and_weights(folder, method, pooling, tmp_path, **fields):
    pretrained = tiny.prepared(folder, METHODS[method], pooling, dropout=0.3)
    return train(pretrained, tmp_path, **fields)


def assert_alike(found, expected):
    assert found[0] == pytest.approx(expected[0], rel=1e-5)
    torch.testing.assert_close(found[1], expected[1], rtol=1e-3, atol=1e-5)


def test_all_families_that_pack_drop_by_row():
    assert set(PACKED) < set(BY_ROW) < set(FAMILIES)
    assert set(FAMILIES) - set(BY_ROW) == {"bart", "deberta_v2"}


@pytest.mark.parametrize(("family", "method", "pooling"), CASES)
def test_micro_batches_drop_what_the_whole_update_drops(tiny_folders, family, method, pooling, tmp_path, sgd):
    whole, parts = (
        losses_and_weights(tiny_folders[family], method, pooling, tmp_path, micro_batch_tokens=most)
        for most in (10_000, 60)
    )
    assert len(whole[0]) == 3
    assert_alike(parts, whole)


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - set(BY_ROW)))
def test_families_that_do_not_drop_by_row_drop_something_else(tiny_folders, family, tmp_path, sgd):
    whole, parts = (
        losses_and_weights(tiny_folders[family], "full", "native", tmp_path, micro_batch_tokens=most)[0]
        for most in (10_000, 60)
    )
    assert parts != pytest.approx(whole, rel=1e-5)


@pytest.mark.parametrize(("family", "output"), OUTPUTS)
def test_a_row_is_the_same_in_any_batch(tiny_folders, family, output):
    """Among others, in another order, and alone: its logits in training are those of its own masks."""
    pretrained = reference.load(tiny_folders[family], output, dropout=0.3)
    module, whole = pretrained.module.train(), reference.batch(pretrained)
    n = len(whole.lengths)
    draws = torch.from_numpy(np.random.default_rng(0).integers(-(2**63), 2**63, n))
    labels, rows = whole.labels, reference.rows(pair=False)

    def by_row(order):
        batch = tiny.batch(replace(pretrained, labels=tiny.THREE), rows, order)
        batch = replace(batch, draws=draws[order], labels=labels[order] if output == "text" else batch.labels)
        with torch.no_grad():
            logits = module(batch)
        sizes = batch.lengths.tolist() if output in ("tags", "span") else [1] * len(order)
        found = dict(zip(order, logits.split(sizes), strict=True))
        return [x[:, : int((labels[i] >= 0).sum())] if output == "text" else x for i, x in sorted(found.items())]

    expected = by_row(list(range(n)))
    other = by_row(np.random.default_rng(1).permutation(n).tolist())
    alone = [x for i in range(n) for x in by_row([i])]
    for found in (other, alone):
        for x, y in zip(found, expected, strict=True):
            torch.testing.assert_close(x, y, rtol=1e-4, atol=1e-4)
    module.eval()
    assert not torch.allclose(by_row([0])[0], expected[0], atol=1e-3)


@pytest.mark.parametrize("family", BY_ROW)
@pytest.mark.parametrize("method", METHODS)
def test_layers_that_are_computed_again_drop_the_same(tiny_folders, family, method, tmp_path):
    """Without the state of torch's generator, which tells what is drawn by row from what is not."""
    runs = []
    for again in (False, True):
        pretrained = tiny.prepared(tiny_folders[family], METHODS[method], seed=4, dropout=0.3)
        if again:
            pretrained.module.recompute()
            for layer in pretrained.module.blocks():
                layer._gradient_checkpointing_func.keywords["preserve_rng_state"] = False
        runs.append(train(pretrained, tmp_path, micro_batch_tokens=60))
    assert runs[1][0] == runs[0][0]
    assert all(torch.equal(runs[1][1][name], weight) for name, weight in runs[0][1].items())


def test_what_is_drawn_differs_by_update_and_by_seed(tiny_folders, tmp_path):
    job, _ = tiny.job(tiny.prepared(tiny_folders["bert"], Full()), tmp_path, tiny.train_config(seed=3))
    other, _ = tiny.job(tiny.prepared(tiny_folders["bert"], Full()), tmp_path, tiny.train_config(seed=4))
    made = [Updates(j, tiny.fp32(), j.model, j.prefixes.of(j.features, tiny.fp32())) for j in (job, other)]
    draws = torch.cat([made[0]._draws(0, 8), made[0]._draws(1, 8), made[1]._draws(0, 8)])
    assert len(draws.unique()) == 24
    assert torch.equal(made[0]._draws(1, 8), draws[8:16])


def test_an_example_that_comes_twice_in_an_update_has_two_masks(tiny_folders, tmp_path, monkeypatch, sgd):
    pretrained = tiny.prepared(tiny_folders["bert"], Full(), dropout=0.3)
    seen = []
    pretrained.module.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    job, _ = tiny.job(pretrained, tmp_path, tiny.train_config())
    draw = np.zeros(24)
    draw[:3] = 1.0
    loop.train(replace(job, draw=draw), tiny.fp32())
    batch = seen[-1]
    assert len(batch.rows.unique()) <= 3
    assert len(batch.draws.unique()) == 8


def test_transformers_models_of_a_run_can_still_be_trained_alone(tiny_folders):
    """A model that the loop has had in its hands draws from torch's generator outside of it."""
    for family in ("bert", "gpt2"):
        module = reference.load(tiny_folders[family], "class", dropout=0.3).module.train()
        encoded = {"input_ids": torch.arange(5, 17).view(2, 6), "attention_mask": torch.ones(2, 6, dtype=torch.long)}
        assert isinstance(module.net, transformers.PreTrainedModel)
        module.net.config.pad_token_id = 0
        first, second = (module.net(**encoded).logits for _ in range(2))
        assert not torch.equal(first, second)
