"""Updates as CUDA graphs: what can be seen without a GPU. A recorder that calls again stands for torch's."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from nlptl.core.errors import InputError
from nlptl.engine import graphs, loop, optim, used_rows
from nlptl.engine.checkpoint import Progress
from nlptl.engine.graphs import filled
from nlptl.engine.update import Updates
from nlptl.engine.used_rows import UsedRows
from nlptl.methods.adapter import Adapter
from nlptl.methods.full import Full
from nlptl.methods.lora import LoRA
from nlptl.methods.partial import Partial
from tests import tiny, tiny_gpu

METHODS = {
    "full": Full(),
    "lora": LoRA(rank=2, dropout=0.2),
    "partial": Partial(layers="last:1"),
    "adapter": Adapter(layers="last:1"),
}
methods = pytest.mark.parametrize("method", METHODS)


class Again:
    """Repeats by calling again, with what lies in the recorded batch by then."""

    def __init__(self):
        self.n_prepared = self.n_recorded = self.n_repeated = 0

    def prepare(self, run):
        self.n_prepared += 1
        return run()

    def record(self, run):
        self.n_recorded += 1
        result = torch.empty(2)

        def repeat():
            self.n_repeated += 1
            result.copy_(run())

        return repeat, result


@pytest.fixture
def sgd(monkeypatch):
    """Steps by minus the gradient: AdamW would make a step of the noise where a gradient is zero."""
    monkeypatch.setattr(optim, "optimizer", lambda own, *_, **__: torch.optim.SGD(own, lr=0.1, fused=True))


@pytest.fixture
def again(monkeypatch):
    recorder = Again()
    monkeypatch.setattr(graphs, "Recorder", lambda: recorder)
    return recorder


def train(base, method, folder, monkeypatch, n_bad=0, **fields):
    """Returns losses, weights and lines of a run of 9 updates, of which the last of each epoch is smaller."""
    monkeypatch.setattr(graphs, "wanted", lambda config, model, compute: config.cuda_graph)
    pretrained = tiny.prepared(base, METHODS[method], dropout=0.2)
    rows = tiny.examples(20)
    job, record = tiny.job(pretrained, folder, tiny.train_config(epochs=3, **fields), rows, lr=0.1)
    before = tiny.state(pretrained.module)
    n_seen = 0

    def losses(logits, batch):
        nonlocal n_seen
        n_seen += 1
        found = job.losses(logits, batch)
        return found * torch.nan if n_seen == n_bad else found

    loop.train(replace(job, losses=losses), tiny.fp32())
    moved = [not torch.allclose(w, before[n], rtol=1e-3, atol=1e-5) for n, w in tiny.state(pretrained.module).items()]
    assert sum(moved) > 4
    return record.losses, tiny.state(pretrained.module), record.lines


@methods
@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_repeated_updates_are_those_of_the_plain_loop(tiny_folders, tmp_path, monkeypatch, again, sgd, family, method):
    monkeypatch.setattr(used_rows, "MIN_ROWS", 1)
    plain, expected, _ = train(tiny_folders[family], method, tmp_path / "a", monkeypatch)
    assert again.n_prepared == 0
    found, weights, _ = train(tiny_folders[family], method, tmp_path / "b", monkeypatch, cuda_graph=True)
    assert again.n_recorded >= 1
    assert again.n_prepared + again.n_repeated == 6  # three smaller updates are computed as ever
    assert again.n_repeated > again.n_recorded
    assert found == pytest.approx(plain, rel=1e-4)
    for name, weight in expected.items():
        torch.testing.assert_close(weights[name], weight, rtol=1e-3, atol=1e-5, msg=lambda m, name=name: f"{name}: {m}")


def test_a_repeated_update_that_is_not_finite_is_left_out(tiny_folders, tmp_path, monkeypatch, again, sgd):
    runs = [
        train(tiny_folders["bert"], "full", tmp_path / str(repeated), monkeypatch, 6, cuda_graph=repeated)
        for repeated in (False, True)
    ]
    (_, expected, plain), (_, weights, lines) = runs
    assert again.n_repeated > 0
    skipped = [[(line["update"], line["row_ids"]) for line in found if "skipped" in line] for found in (plain, lines)]
    assert len(skipped[0]) == 1
    assert skipped[0] == skipped[1]
    for name, weight in expected.items():
        assert weights[name].isfinite().all()
        torch.testing.assert_close(weights[name], weight, rtol=1e-3, atol=1e-5)


def test_gradients_are_clipped_alike(tiny_folders, tmp_path, monkeypatch, again, sgd):
    runs = [
        train(tiny_folders["bert"], "full", tmp_path / str(r), monkeypatch, max_grad_norm=0.01, cuda_graph=r)
        for r in (False, True)
    ]
    assert again.n_repeated > 0
    assert runs[1][0] == pytest.approx(runs[0][0], rel=1e-4)
    for name, weight in runs[0][1].items():
        torch.testing.assert_close(runs[1][1][name], weight, rtol=1e-3, atol=1e-6)


def test_where_memory_runs_out_updates_are_computed_as_ever(tiny_folders, tmp_path, monkeypatch, again, sgd):
    def out_of_memory(run):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    plain, _, _ = train(tiny_folders["bert"], "full", tmp_path / "a", monkeypatch)
    monkeypatch.setattr(again, "record", out_of_memory)
    found, _, lines = train(tiny_folders["bert"], "full", tmp_path / "b", monkeypatch, cuda_graph=True)
    assert [line["cuda_graph"] for line in lines if "out_of_memory" in line] == [False]
    assert again.n_prepared >= 1
    assert found == pytest.approx(plain, rel=1e-3)


@pytest.mark.parametrize("n_tokens", [1, 63, 64, 100, 1000, 5000, 12_288])
def test_shapes_are_few_and_little_is_added(n_tokens):
    batch = filled(tiny.sequences([n_tokens]))
    total = len(batch.input_ids)
    assert n_tokens < total <= n_tokens + max(64, n_tokens / 8)
    assert total % 64 == 0
    assert batch.lengths.tolist() == batch.boundaries.diff().tolist() == [n_tokens, total - n_tokens]
    assert batch.longest >= int(batch.lengths.max())
    assert len({len(filled(tiny.sequences([n])).input_ids) for n in range(2000, 4000, 7)}) <= 17


def test_what_is_added_leaves_the_rows_as_they_are(tiny_folders):
    pretrained = tiny.prepared(tiny_folders["roberta"], Full(), dropout=0.0)
    batch = tiny.batch(pretrained)
    with torch.no_grad():
        expected, found = (pretrained.module.eval()(b) for b in (batch, filled(batch)))
    assert found.isfinite().all()
    torch.testing.assert_close(found[:-1], expected, rtol=0, atol=1e-6)


def test_graphs_without_what_they_need_are_refused(tiny_folders, tmp_path):
    pretrained = tiny.prepared(tiny_folders["t5"], Full())
    job, _ = tiny.job(pretrained, tmp_path, tiny.train_config(cuda_graph=True))
    with pytest.raises(InputError, match=r"needs bf16 on a GPU .* and a model that runs without padding: leave it out"):
        loop.train(job, tiny.fp32())


@methods
@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "electra"])
@pytest.mark.parametrize("repeated", [True, False], ids=["repeated", "plain"])
def test_an_update_on_a_gpu_asks_it_for_nothing(tiny_folders, tmp_path, monkeypatch, again, family, method, repeated):
    """A graph cannot hold what asks; and where nothing asks, the host prepares while the GPU computes."""
    monkeypatch.setattr(used_rows, "MIN_ROWS", 1)
    pretrained = tiny.prepared(tiny_folders[family], METHODS[method], dropout=0.1)
    model = pretrained.module
    job, _ = tiny.job(pretrained, tmp_path, tiny.train_config(cuda_graph=repeated))
    prefix = job.prefixes.of(job.features, tiny.fp32())
    given, cut = prefix.batch(np.arange(8))
    model.to("meta").train()
    batch, weight = tiny_gpu.batch(given), torch.full((8,), 1 / 8, device="meta")
    monkeypatch.setattr(graphs, "wanted", lambda *_: repeated)
    monkeypatch.setattr(optim, "optimizer", lambda own, *_, **__: torch.optim.SGD(own))  # which is not run there
    monkeypatch.setattr(optim, "step_if_finite", lambda *given: None)
    with UsedRows(model, job.features):
        updates = Updates(job, tiny_gpu.OnGpu(tiny.fp32().accelerator, bf16=False), model, prefix)
        monkeypatch.setattr(prefix, "batch", lambda _: (batch, cut))
        monkeypatch.setattr("nlptl.engine.update.put", lambda *_: weight)
        with tiny_gpu.gpu():
            if repeated:
                updates._on_device(filled(batch), functional.pad(weight, (0, 1)))
            else:
                updates._backward(np.arange(8), Progress())
    trained = [p.grad for p in model.parameters() if p.requires_grad and p.grad is not None]
    assert {gradient.device.type for gradient in trained} == {"meta"}
