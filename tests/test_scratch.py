"""`eval.baselines scratch`: what pretraining is worth, measured by the same architecture without it."""

import pytest
import torch

from nlptl import DataConfig, EvalConfig, InputError, ModelConfig, Recipe, TrainConfig
from nlptl.models.sequence import SequenceModel
from tests import tiny
from tests.faults.small import make_bert, write_splits


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("place")
    make_bert(place / "bert")
    write_splits(place / "data")
    return place


def run(place, output, method="full", baselines="scratch", **model):
    return Recipe(
        data=DataConfig(train=str(place / "data")),
        model=ModelConfig(name=str(place / "bert"), **model),
        method=method,
        train=TrainConfig(epochs=2, batch_size=8, precision="fp32"),
        eval=EvalConfig(n_bootstrap=100, baselines=baselines),
    ).run(place / output)


@pytest.mark.parametrize("method", ["full", "probe", "lora"])
def test_it_stands_beside_the_others_and_changes_nothing_else(place, method):
    with_it, without = run(place, f"{method}-with", method), run(place, f"{method}-without", method, "simple")
    for split, found in with_it.result.baselines.items():
        assert set(found) == {*without.result.baselines[split], "from_scratch"}
        own = with_it.result.metrics[split]["accuracy"].value
        assert found["from_scratch"].gain.value == pytest.approx(own - found["from_scratch"].value.value)
    assert with_it.metrics == without.metrics
    assert not list((with_it.folder / "checkpoints").glob("scratch*"))


def test_the_same_seed_gives_the_same_baseline(place):
    found = [run(place, f"again-{i}").result.baselines["test"]["from_scratch"] for i in (0, 1)]
    assert found[0] == found[1]


def test_a_failure_is_a_warning_and_the_run_is_kept(place, monkeypatch, capsys):
    def fails(self):
        raise InputError("cannot be drawn")

    monkeypatch.setattr(SequenceModel, "draw_all_anew", fails)
    found = run(place, "failed").result
    assert found.status == "succeeded"
    assert "from_scratch" not in found.baselines["test"]
    assert "there is no baseline from_scratch: cannot be drawn" in capsys.readouterr().out


@pytest.mark.parametrize("pooling", ["native", "mean"])
def test_every_family_forgets_all_that_it_learned(folder, pooling):
    module = tiny.load(folder, pooling).module
    before = tiny.state(module)
    torch.manual_seed(7)
    module.draw_all_anew()
    after = tiny.state(module)
    kept = [name for name, value in after.items() if value.ndim > 1 and torch.equal(value, before[name])]
    assert not kept
    assert all(value.isfinite().all() for value in after.values())
