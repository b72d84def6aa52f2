"""Updates as CUDA graphs against plain updates; without a GPU a recorder that calls again stands for torch's."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nlptl.engine import checkpoint, graphs, optim, used_rows
from nlptl.methods.adapter import Adapter
from nlptl.methods.full import Full
from nlptl.methods.lora import LoRA
from nlptl.methods.partial import Partial
from tests import tiny
from tests.engine.test_graphs import Again
from tests.engine.test_resume import stop_at
from tests.gpu import places
from tests.gpu.places import CPU, CUDA, place

METHODS = {
    "full": Full(),
    "lora": LoRA(rank=2, dropout=0.0),
    "partial": Partial(layers="last:1"),
    "adapter": Adapter(layers="last:1"),
}
CASES = [place(CPU, "bert", "full")]
CASES += [place(CUDA, family, method) for family in ("bert", "roberta", "distilbert", "electra") for method in METHODS]


class Counted(graphs.Recorder):
    """Torch's graphs; counts what it does."""

    def __init__(self) -> None:
        super().__init__()
        self.n_prepared = self.n_recorded = self.n_repeated = 0

    def prepare(self, run):
        self.n_prepared += 1
        return super().prepare(run)

    def record(self, run):
        self.n_recorded += 1
        repeat, result = super().record(run)

        def counted():
            self.n_repeated += 1
            repeat()

        return counted, result


@pytest.fixture
def recorder(device, monkeypatch):
    """What records; on a CPU, nothing is asked whether it can."""
    made = []
    kind = Again if device.type == "cpu" else Counted
    monkeypatch.setattr(graphs, "Recorder", lambda: made.append(kind()) or made[-1])
    if device.type == "cpu":
        monkeypatch.setattr(graphs, "wanted", lambda config, *_: config.cuda_graph)
    monkeypatch.setattr(used_rows, "MIN_ROWS", 1)
    return made


@pytest.fixture
def sgd(monkeypatch):
    """Steps by minus the gradient: AdamW would make a step of the noise where a gradient is zero."""
    monkeypatch.setattr(optim, "optimizer", lambda own, *_, **__: torch.optim.SGD(own, lr=0.1, fused=True))


def train(folders, family, method, folder, *, repeated, rows=20, **given):
    """Returns a run of nine updates, of which the last of each epoch is smaller."""
    compute = places.compute("bf16")
    given = {"epochs": 3, "dropout": 0.0, "lr": 0.1, "rows": tiny.examples(rows), "cuda_graph": repeated} | given
    return places.train(folders[family], METHODS[method], folder, compute=compute, **given)


@pytest.mark.parametrize(("device", "family", "method"), CASES)
def test_repeated_updates_are_the_plain_ones(device, family, method, tiny_folders, tmp_path, recorder, sgd):
    plain = train(tiny_folders, family, method, tmp_path / "a", repeated=False)
    assert recorder == []
    found = train(tiny_folders, family, method, tmp_path / "b", repeated=True)
    assert recorder[0].n_prepared + recorder[0].n_repeated == 6  # three smaller updates are computed as ever
    assert recorder[0].n_repeated >= recorder[0].n_recorded >= 1
    assert found.record.losses == pytest.approx(plain.record.losses, rel=2e-2)
    assert places.error_of(found.moved, plain.moved) < 0.1
    assert plain.moved.norm() > 0.01


@pytest.mark.parametrize("device", places.EITHER)
def test_adamw_steps_in_a_graph_as_outside(device, tiny_folders, tmp_path, recorder):
    runs = [
        train(tiny_folders, "bert", "full", tmp_path / str(r), repeated=r, lr=1e-3, epochs=6, max_grad_norm=0.5)
        for r in (False, True)
    ]
    assert recorder[0].n_repeated > 0
    assert runs[1].record.losses == pytest.approx(runs[0].record.losses, rel=5e-2)
    assert runs[0].record.losses[0] > 1.05 * min(runs[0].record.losses)  # it learns


@pytest.mark.parametrize("device", places.EITHER)
def test_the_learning_rate_of_a_graph_is_that_of_the_schedule(device, tiny_folders, tmp_path, recorder):
    given = {"lr": 1e-3, "epochs": 4, "schedule": "linear", "rows": 8, "warmup": 2}
    runs = [train(tiny_folders, "bert", "full", tmp_path / str(r), repeated=r, **given) for r in (False, True)]
    assert recorder[0].n_repeated > 0
    far = [float(run.moved.norm()) for run in runs]  # AdamW steps by the rate, whatever the gradient
    assert far[1] == pytest.approx(far[0], rel=0.05)


@pytest.mark.parametrize("device", places.EITHER)
@pytest.mark.parametrize(("dropout", "varies"), [(0.1, True), (0.0, False)])
def test_each_repetition_drops_others(device, dropout, varies, tiny_folders, tmp_path, recorder):
    given = {"dropout": dropout, "rows": 8, "epochs": 6}
    run = train(tiny_folders, "bert", "full", tmp_path, repeated=True, lr=0.0, weight_decay=0.0, **given)
    repeated = run.record.losses[-recorder[0].n_repeated :]
    assert len(repeated) >= 4
    assert (np.ptp(repeated) > 1e-3) == varies


@pytest.mark.parametrize("device", places.EITHER)
def test_repetitions_follow_from_the_seed(device, tiny_folders, tmp_path, recorder):
    def losses(folder, seed):
        run = train(tiny_folders, "bert", "full", tmp_path / folder, repeated=True, dropout=0.1, seed=seed, lr=1e-3)
        return run.record.losses

    first = losses("a", 1)
    assert losses("b", 1) == pytest.approx(first, rel=1e-3)
    assert losses("c", 2) != pytest.approx(first, rel=1e-3)


@pytest.mark.parametrize("device", places.EITHER)
def test_a_resumed_run_of_graphs_goes_on_with_the_same_losses(device, tiny_folders, tmp_path, recorder):
    given = {"repeated": True, "dropout": 0.1, "lr": 1e-3}
    whole = train(tiny_folders, "bert", "full", tmp_path / "a", **given)
    train(tiny_folders, "bert", "full", tmp_path / "b", show=stop_at(4), **given)
    newest = checkpoint.latest(tmp_path / "b")
    rest = train(tiny_folders, "bert", "full", tmp_path / "b", newest=newest, **given)
    assert rest.record.losses == pytest.approx(whole.record.losses[4:], rel=1e-3)


@pytest.mark.parametrize("device", places.EITHER)
def test_a_repeated_update_that_is_not_finite_is_left_out(device, tiny_folders, tmp_path, recorder, sgd):
    def with_a_bad_row(job):
        weights = job.weights.copy()
        weights[5] = np.nan
        return replace(job, weights=weights)

    runs = [
        train(tiny_folders, "bert", "full", tmp_path / str(r), repeated=r, rows=24, edit=with_a_bad_row)
        for r in (False, True)
    ]
    assert recorder[0].n_repeated > 0
    skipped = [[line["update"] for line in run.record.lines if "skipped" in line] for run in runs]
    assert len(skipped[0]) == 3  # one of three updates, in each epoch
    assert skipped[1] == skipped[0]
    assert all(weight.isfinite().all() for weight in runs[1].after.values())
    assert places.error_of(runs[1].moved, runs[0].moved) < 0.1
